package report

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// The plots are drawn in these units and scaled to the page: narrow enough for
// the text to stay readable on a phone.
const (
	plotWidth   = 420
	plotHeight  = 210
	plotLeft    = 54
	plotRight   = 14
	plotTop     = 12
	plotBottom  = 36
	plotSeries  = 5   // that are told apart by colour
	plotPoints  = 240 // of a series; more cannot be seen
	plotPadding = 1.08
)

// plot is one chart of the report.
type plot struct {
	Title  string
	Note   string
	Lines  []plotLine
	XTitle string
	unit   string
	whole  bool    // x counts cycles
	least  float64 // to which y goes up at least: nothing must look like much
	first  string
}

// plotLine is one series of a chart.
type plotLine struct {
	Name   string
	Last   string
	points []plotPoint
}

type plotPoint struct{ x, y float64 }

// plots draws what the run followed: the groups of its series, and what was
// retained per peer.
func charts(v *verdict.Verdict) []plot {
	var list []plot
	if p := perPeerChart(v); len(p.Lines) > 0 {
		list = append(list, p)
	}
	var groups []string
	for _, s := range v.Series {
		if g := cmp.Or(s.Group, s.Name); !slices.Contains(groups, g) && len(s.Points) > 0 {
			groups = append(groups, g)
		}
	}
	for _, g := range groups {
		list = append(list, groupChart(v, g))
	}
	return list
}

// groupPlot draws the series of a group, those that moved the most first.
func groupChart(v *verdict.Verdict, group string) plot {
	p := plot{Title: strings.ToUpper(group[:1]) + group[1:]}
	var series []verdict.Series
	for _, s := range v.Series {
		if cmp.Or(s.Group, s.Name) == group && len(s.Points) > 0 {
			series = append(series, s)
		}
	}
	slices.SortStableFunc(series, func(a, b verdict.Series) int { return cmp.Compare(moved(b), moved(a)) })
	if more := len(series) - plotSeries; more > 0 {
		flat := 0
		for _, s := range series[plotSeries:] {
			if moved(s) == 0 {
				flat++
			}
		}
		p.Note = fmt.Sprintf("and %d more, %d of them flat", more, flat)
		series = series[:plotSeries]
	}
	x := p.axis(series)
	for _, s := range series {
		line := plotLine{Name: s.Name, Last: units.Quantity(s.Points[len(s.Points)-1].Value, s.Unit)}
		for _, q := range s.Points {
			line.points = append(line.points, plotPoint{x(q), q.Value})
		}
		p.unit = s.Unit
		line.points = thin(line.points)
		p.Lines = append(p.Lines, line)
	}
	return p
}

func moved(s verdict.Series) float64 {
	return math.Abs(s.Points[len(s.Points)-1].Value - s.Points[0].Value)
}

// axis chooses what runs along the bottom: cycles, else peers, else time.
func (p *plot) axis(series []verdict.Series) func(verdict.Point) float64 {
	cycles, peers, seconds := false, false, 0.0
	for _, s := range series {
		for _, q := range s.Points {
			cycles, peers, seconds = cycles || q.Cycle > 0, peers || q.Dose > 0, math.Max(seconds, q.Seconds)
		}
	}
	switch {
	case cycles:
		p.XTitle, p.whole, p.first = "cycle", true, "baseline"
		return func(q verdict.Point) float64 { return float64(q.Cycle) }
	case peers:
		p.XTitle = "peers put through"
		return func(q verdict.Point) float64 { return q.Dose }
	}
	unit := 1.0
	switch p.XTitle = "seconds"; {
	case seconds > 3*60*60:
		p.XTitle, unit = "hours", 60*60
	case seconds > 3*60:
		p.XTitle, unit = "minutes", 60
	}
	return func(q verdict.Point) float64 { return q.Seconds / unit }
}

// perPeerPlot draws what each leak left for each peer, cycle by cycle; without a
// leak, the heap.
func perPeerChart(v *verdict.Verdict) plot {
	p := plot{Title: "Retained per peer", XTitle: "cycle", whole: true}
	for _, l := range slices.Concat(v.Leaks, v.Doubtful) {
		if len(p.Lines) == plotSeries {
			break
		}
		if line := perPeerLine(v, &l); len(line.points) > 0 {
			p.Lines = append(p.Lines, line)
		}
	}
	if len(p.Lines) > 0 {
		return p
	}
	for _, s := range v.Series {
		if s.Unit != verdict.Bytes || len(p.Lines) > 0 {
			continue
		}
		line := plotLine{Name: s.Name}
		for i := 1; i < len(s.Points); i++ {
			a, b := s.Points[i-1], s.Points[i]
			if b.Cycle > a.Cycle && b.Dose > a.Dose {
				line.points = append(line.points, plotPoint{float64(b.Cycle), (b.Value - a.Value) / (b.Dose - a.Dose)})
			}
		}
		if len(line.points) > 0 {
			line.Last = units.Quantity(line.points[len(line.points)-1].y, verdict.Bytes)
			p.unit, p.least, p.Lines = verdict.Bytes, verdict.DefaultMatters, append(p.Lines, line)
		}
	}
	return p
}

func perPeerLine(v *verdict.Verdict, l *verdict.Leak) plotLine {
	line := plotLine{Name: title(l), Last: units.Rate(l.Source.PerPeer)}
	for _, e := range l.Evidence {
		if !e.Principal || len(e.PerCycle) != len(v.Cycles) {
			continue
		}
		for k, n := range e.PerCycle {
			dose := int64(0)
			for scenario, d := range v.Cycles[k].Doses {
				if len(l.Source.Shares) == 0 || slices.Contains(l.Source.Scenarios(), scenario) {
					dose += d
				}
			}
			if dose > 0 {
				line.points = append(line.points, plotPoint{float64(k + 1), float64(n) / float64(dose)})
			}
		}
		break
	}
	return line
}

// thin keeps the lowest and highest of each stretch, so that no spike is lost.
func thin(points []plotPoint) []plotPoint {
	if len(points) <= plotPoints {
		return points
	}
	var kept []plotPoint
	stretch := 2 * len(points) / plotPoints
	for start := 0; start < len(points); start += stretch {
		part := points[start:min(start+stretch, len(points))]
		low, high := part[0], part[0]
		for _, q := range part {
			if q.y < low.y {
				low = q
			}
			if q.y > high.y {
				high = q
			}
		}
		if low.x <= high.x {
			kept = append(kept, low, high)
		} else {
			kept = append(kept, high, low)
		}
	}
	return kept
}

// SVG draws the chart. Its colours are those of the page.
func (p plot) SVG() template.HTML {
	var b strings.Builder
	f := p.frame()
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, plotWidth, plotHeight, html.EscapeString(p.Title+" by "+p.XTitle))
	for _, t := range f.y {
		y := f.py(t)
		fmt.Fprintf(&b, `<line class="%s" x1="%d" x2="%d" y1="%s" y2="%s"/>`, gridClass(t), plotLeft, plotWidth-plotRight, px(y), px(y))
		fmt.Fprintf(&b, `<text class="tick" x="%d" y="%s" text-anchor="end">%s</text>`, plotLeft-7, px(y+4), html.EscapeString(tick(t, p.unit)))
	}
	for i, t := range f.x {
		label := units.Number(t)
		if i == 0 && p.first != "" && t == 0 {
			label = p.first
		}
		fmt.Fprintf(&b, `<text class="tick" x="%s" y="%d" text-anchor="%s">%s</text>`, px(f.px(t)), plotHeight-plotBottom+17, f.anchor(i), html.EscapeString(label))
	}
	fmt.Fprintf(&b, `<text class="axis" x="%d" y="%d" text-anchor="middle">%s</text>`, (plotLeft+plotWidth-plotRight)/2, plotHeight-2, html.EscapeString(p.XTitle))
	for i := len(p.Lines) - 1; i >= 0; i-- { // the first on top
		p.Lines[i].draw(&b, f, i, p.unit)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // everything that came from outside was escaped above
}

// tick writes a round value without the zeros that amount keeps.
func tick(t float64, unit string) string {
	if unit == verdict.Bytes {
		return units.Bytes(t)
	}
	if math.Abs(t) >= 1000 {
		return units.Number(t)
	}
	return strconv.FormatFloat(t, 'g', 4, 64)
}

func gridClass(tick float64) string {
	if tick == 0 {
		return "zero"
	}
	return "grid"
}

func (l plotLine) draw(b *strings.Builder, f frame, i int, unit string) {
	var path []string
	for _, q := range l.points {
		path = append(path, px(f.px(q.x))+","+px(f.py(q.y)))
	}
	fmt.Fprintf(b, `<polyline class="s%d" points="%s"/>`, i, strings.Join(path, " "))
	if len(l.points) > 40 {
		return // dots would be a caterpillar
	}
	for _, q := range l.points {
		fmt.Fprintf(b, `<circle class="d%d" cx="%s" cy="%s" r="3.2"><title>%s</title></circle>`, i, px(f.px(q.x)), px(f.py(q.y)),
			html.EscapeString(l.Name+" "+units.Quantity(q.y, unit)))
	}
}

func px(v float64) string { return fmt.Sprintf("%.1f", v) }
