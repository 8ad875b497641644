package loadgen

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
)

// The plots are drawn in these units and scaled to the page, whose classes and colours
// they use: see report.Section.
const (
	plotWidth  = 420
	plotHeight = 210
	plotLeft   = 58
	plotRight  = 14
	plotTop    = 12
	plotBottom = 36
	plotLines  = 5 // that are told apart by colour
	plotPoints = 400
)

// chart is one plot. Its axes are linear; what is to be on another scale is so before.
type chart struct {
	Title  string
	Note   string
	Lines  []curve
	xTitle string
	xTicks func(low, high float64) []tick
	yTicks func(low, high float64) []tick
	zero   bool // y begins at 0
	spans  []Span
}

// curve is one line of a chart. Where y is not a number it is broken.
type curve struct {
	Name   string
	Last   string // its value in words
	Colour int
	Dashed bool
	points []point
}

type point struct{ x, y float64 }

type tick struct {
	at    float64
	label string
}

// empty reports whether there is nothing to draw.
func (c *chart) empty() bool {
	for _, l := range c.Lines {
		if len(l.points) > 0 {
			return false
		}
	}
	return true
}

// area is the part of the world that a chart shows.
type area struct{ left, right, low, high float64 }

func (c *chart) area() area {
	f := area{math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)}
	for _, l := range c.Lines {
		for _, p := range l.points {
			f.left, f.right = math.Min(f.left, p.x), math.Max(f.right, p.x)
			if !math.IsNaN(p.y) {
				f.low, f.high = math.Min(f.low, p.y), math.Max(f.high, p.y)
			}
		}
	}
	if c.zero {
		f.low, f.high = math.Min(f.low, 0), f.high*1.05
	}
	if f.right <= f.left {
		f.right = f.left + 1
	}
	if !(f.high > f.low) {
		f.high = f.low + 1
	}
	return f
}

func (f area) px(x float64) float64 {
	return plotLeft + (x-f.left)/(f.right-f.left)*(plotWidth-plotLeft-plotRight)
}

func (f area) py(y float64) float64 {
	return plotTop + (f.high-y)/(f.high-f.low)*(plotHeight-plotTop-plotBottom)
}

// SVG draws the chart.
func (c *chart) SVG() template.HTML {
	var b strings.Builder
	f := c.area()
	yTicks := c.yTicks(f.low, f.high)
	if n := len(yTicks); n > 0 { // the curve ends below the last line
		f.low, f.high = math.Min(f.low, yTicks[0].at), math.Max(f.high, yTicks[n-1].at)
	}
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, plotWidth, plotHeight, html.EscapeString(c.Title))
	c.drawSpans(&b, f)
	for _, t := range yTicks {
		y := f.py(t.at)
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="tick" x="%d" y="%.1f" text-anchor="end">%s</text>`,
			plotLeft, plotWidth-plotRight, y, y, plotLeft-7, y+4, html.EscapeString(t.label))
	}
	for _, t := range c.xTicks(f.left, f.right) {
		fmt.Fprintf(&b, `<text class="tick" x="%.1f" y="%d" text-anchor="middle">%s</text>`, f.px(t.at), plotHeight-plotBottom+17, html.EscapeString(t.label))
	}
	fmt.Fprintf(&b, `<text class="axis" x="%d" y="%d" text-anchor="middle">%s</text>`, (plotLeft+plotWidth-plotRight)/2, plotHeight-2, html.EscapeString(c.xTitle))
	for i := len(c.Lines) - 1; i >= 0; i-- { // the first on top
		c.Lines[i].draw(&b, f)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // everything that came from outside was escaped above
}

// drawSpans shades blocks with peers, and marks where a phase begins.
func (c *chart) drawSpans(b *strings.Builder, f area) {
	for _, s := range c.spans {
		from, to := f.px(math.Max(s.From, f.left)), f.px(math.Min(s.To, f.right))
		switch {
		case s.To <= f.left || s.From >= f.right:
		case s.Kind == SpanOn, s.Kind == SpanWarmUp:
			opacity := ".13"
			if s.Kind == SpanWarmUp {
				opacity = ".06"
			}
			fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" style="fill:var(--s0);opacity:%s"><title>%s</title></rect>`,
				from, plotTop, math.Max(.5, to-from), plotHeight-plotTop-plotBottom, opacity, html.EscapeString(spanTitle(s)))
		case s.Kind == SpanPhase:
			fmt.Fprintf(b, `<line class="zero" stroke-dasharray="2 3" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, from, from, plotTop, plotHeight-plotBottom)
			if to-from > 40 {
				fmt.Fprintf(b, `<text class="axis" x="%.1f" y="%d">%s</text>`, from, plotTop-3, html.EscapeString(s.Name))
			}
		}
	}
}

func spanTitle(s Span) string {
	if s.Kind == SpanWarmUp {
		return "warm-up"
	}
	return "block with peers"
}

// draw draws the line in pieces. One that is a point only is drawn as one.
func (l *curve) draw(b *strings.Builder, f area) {
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
	for _, p := range thinned(l.points) {
		if math.IsNaN(p.y) {
			flush()
			continue
		}
		piece = append(piece, fmt.Sprintf("%.1f,%.1f", f.px(p.x), f.py(p.y)))
	}
	flush()
}

// thinned keeps the lowest and the highest of each stretch, so that no spike is lost.
func thinned(points []point) []point {
	if len(points) <= plotPoints {
		return points
	}
	var kept []point
	stretch := 2*len(points)/plotPoints + 1
	for start := 0; start < len(points); start += stretch {
		low, high := points[start], points[start]
		for _, p := range points[start:min(start+stretch, len(points))] {
			if !(p.y >= low.y) {
				low = p
			}
			if !(p.y <= high.y) {
				high = p
			}
		}
		if low.x > high.x {
			low, high = high, low
		}
		kept = append(kept, low, high)
	}
	return kept
}

// evenly places about n round ticks.
func evenly(n int, label func(float64) string) func(low, high float64) []tick {
	return func(low, high float64) []tick {
		rough := (high - low) / float64(n)
		step := math.Pow(10, math.Floor(math.Log10(rough)))
		for _, k := range []float64{1, 2, 2.5, 5, 10} {
			if step*k >= rough {
				step *= k
				break
			}
		}
		var ticks []tick
		for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-9; i++ {
			at := i*step + 0 // of -0, 0
			ticks = append(ticks, tick{at, label(at)})
		}
		return ticks
	}
}

// percentiles are ticks of an axis on which a share q is at log10(1/(1-q)).
func percentiles(_, high float64) []tick {
	ticks := []tick{{0, "0"}, {math.Log10(2), "50 %"}}
	for i := 1.0; i <= high+1e-9; i++ {
		ticks = append(ticks, tick{i, strconv.FormatFloat(100-math.Pow(10, 2-i), 'f', -1, 64) + " %"})
	}
	return ticks
}

// decades are ticks of an axis of times in seconds on a logarithmic scale, from the
// one below the lowest to the one above the highest.
func decades(low, high float64) []tick {
	steps := []float64{1, 2, 5}
	if high-low > 2.5 {
		steps = []float64{1}
	}
	var ticks []tick
	for d := math.Floor(low); d <= math.Ceil(high); d++ {
		for _, k := range steps {
			at := d + math.Log10(k)
			next := d + math.Log10(k*2.5)
			if next > low && (len(ticks) == 0 || ticks[len(ticks)-1].at < high) {
				ticks = append(ticks, tick{at, round(time.Duration(math.Round(k * math.Pow(10, d+9)))).String()})
			}
		}
	}
	return ticks
}
