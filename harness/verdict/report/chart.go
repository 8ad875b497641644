package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// MostLines is the number of lines that the colours of a page tell apart.
const MostLines = 5

// Chart is a line chart with linear axes. A caller that wants another scale transforms its
// points and labels the ticks accordingly.
type Chart struct {
	Title  string
	Note   string // for the legend
	Lines  []Line // the first is drawn on top
	XTitle string

	XTicks, YTicks func(low, high float64) []Tick

	Zero    bool                 // the y axis includes 0, so that noise does not look like growth
	AtLeast float64              // with Zero, the y axis includes this value, too
	Dots    bool                 // lines of few points get a dot at each
	Label   func(float64) string // of a dot, beside the name of its line; nil: none
	Bands   []Band
}

// Line is one line of a chart. It is broken where Y is not a number.
type Line struct {
	Name   string
	Last   string // a value in words, for the legend
	Colour int    // 0 to MostLines-1
	Dashed bool
	Points []XY
}

// XY is one point of a line.
type XY struct{ X, Y float64 }

// Tick is a labelled place on an axis.
type Tick struct {
	At    float64
	Label string
}

// Band marks a part of the x axis: shaded if it has an opacity, or else by a line at From.
type Band struct {
	From, To float64
	Opacity  string // ".13"
	Title    string
}

// Empty reports whether there is nothing to draw.
func (c *Chart) Empty() bool {
	for _, l := range c.Lines {
		if len(l.Points) > 0 {
			return false
		}
	}
	return true
}

// Charts are drawn in these units and scaled to the page. They are narrow, so that the text
// stays readable on a phone.
const (
	chartWidth  = 420
	chartHeight = 210
	chartLeft   = 58
	chartRight  = chartWidth - 14
	chartTop    = 12
	chartBottom = chartHeight - 36
	mostPoints  = 240 // of a line; more cannot be seen
	mostDots    = 40  // more would merge
)

// SVG draws the chart with the classes and colours of the page; see Section.
func (c *Chart) SVG() template.HTML {
	a := c.area()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`,
		chartWidth, chartHeight, html.EscapeString(c.Title+" by "+c.XTitle))
	for _, band := range c.Bands {
		band.draw(&b, a)
	}
	a.drawY(&b)
	a.drawX(&b, c.XTitle)
	for i := len(c.Lines) - 1; i >= 0; i-- {
		c.Lines[i].draw(&b, a)
		if len(c.Lines[i].Points) <= mostDots && c.Dots {
			c.Lines[i].drawDots(&b, a, c.Label)
		}
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // all text from outside was escaped above
}

func (s Band) draw(b *strings.Builder, a area) {
	from, to := a.px(math.Max(s.From, a.left)), a.px(math.Min(s.To, a.right))
	switch {
	case s.To <= a.left || s.From >= a.right:
	case s.Opacity != "":
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" style="fill:var(--s0);opacity:%s"><title>%s</title></rect>`,
			from, chartTop, math.Max(.5, to-from), chartBottom-chartTop, s.Opacity, html.EscapeString(s.Title))
	default:
		fmt.Fprintf(b, `<line class="zero" stroke-dasharray="2 3" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, from, from, chartTop, chartBottom)
		if to-from > 40 {
			fmt.Fprintf(b, `<text class="axis" x="%.1f" y="%d">%s</text>`, from, chartTop-3, html.EscapeString(s.Title))
		}
	}
}

// draw draws the line in pieces. A piece of a single point is drawn as a dot.
func (l *Line) draw(b *strings.Builder, a area) {
	dash := ""
	if l.Dashed {
		dash = ` stroke-dasharray="5 4"`
	}
	var piece []string
	flush := func() {
		if len(piece) > 1 {
			fmt.Fprintf(b, `<polyline class="s%d"%s points="%s"/>`, l.Colour, dash, strings.Join(piece, " "))
		} else if len(piece) == 1 {
			x, y, _ := strings.Cut(piece[0], ",")
			fmt.Fprintf(b, `<circle class="d%d" cx="%s" cy="%s" r="2.2"/>`, l.Colour, x, y)
		}
		piece = piece[:0]
	}
	for _, p := range thin(l.Points) {
		if math.IsNaN(p.Y) {
			flush()
			continue
		}
		piece = append(piece, fmt.Sprintf("%.1f,%.1f", a.px(p.X), a.py(p.Y)))
	}
	flush()
}

func (l *Line) drawDots(b *strings.Builder, a area, label func(float64) string) {
	for _, p := range l.Points {
		title := l.Name
		if label != nil {
			title += " " + label(p.Y)
		}
		fmt.Fprintf(b, `<circle class="d%d" cx="%.1f" cy="%.1f" r="3.2"><title>%s</title></circle>`,
			l.Colour, a.px(p.X), a.py(p.Y), html.EscapeString(title))
	}
}

// thin keeps the lowest and the highest point of each stretch, so that no spike is lost.
func thin(points []XY) []XY {
	if len(points) <= mostPoints {
		return points
	}
	var kept []XY
	stretch := 2*len(points)/mostPoints + 1
	for start := 0; start < len(points); start += stretch {
		low, high := points[start], points[start]
		for _, p := range points[start:min(start+stretch, len(points))] {
			if !(p.Y >= low.Y) { // also if low.Y is not a number
				low = p
			}
			if !(p.Y <= high.Y) {
				high = p
			}
		}
		if low.X > high.X {
			low, high = high, low
		}
		kept = append(kept, low, high)
	}
	return kept
}
