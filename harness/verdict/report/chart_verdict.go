package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// charts returns the charts of a verdict: what was retained per peer, and one for each group
// of series.
func charts(v *verdict.Verdict) []Chart {
	var list []Chart
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

// groupChart draws the series of a group, those that moved most first.
func groupChart(v *verdict.Verdict, group string) Chart {
	p := Chart{Title: strings.ToUpper(group[:1]) + group[1:], Zero: true, Dots: true}
	var series []verdict.Series
	for _, s := range v.Series {
		if cmp.Or(s.Group, s.Name) == group && len(s.Points) > 0 {
			series = append(series, s)
		}
	}
	slices.SortStableFunc(series, func(a, b verdict.Series) int { return cmp.Compare(moved(b), moved(a)) })
	if more := len(series) - MostLines; more > 0 {
		flat := 0
		for _, s := range series[MostLines:] {
			if moved(s) == 0 {
				flat++
			}
		}
		p.Note = fmt.Sprintf("and %d more, %d of them flat", more, flat)
		series = series[:MostLines]
	}
	x := setXAxis(&p, series)
	for i, s := range series {
		p.setUnit(s.Unit)
		line := Line{Name: s.Name, Last: units.Quantity(s.Points[len(s.Points)-1].Value, s.Unit), Colour: i}
		for _, q := range s.Points {
			line.Points = append(line.Points, XY{x(q), q.Value})
		}
		p.Lines = append(p.Lines, line)
	}
	return p
}

func moved(s verdict.Series) float64 {
	return math.Abs(s.Points[len(s.Points)-1].Value - s.Points[0].Value)
}

// setXAxis sets what the x axis shows, cycles or else peers or else time, and returns it.
func setXAxis(p *Chart, series []verdict.Series) func(verdict.Point) float64 {
	cycles, peers, seconds := false, false, 0.0
	for _, s := range series {
		for _, q := range s.Points {
			cycles, peers, seconds = cycles || q.Cycle > 0, peers || q.Dose > 0, math.Max(seconds, q.Seconds)
		}
	}
	switch {
	case cycles:
		p.XTitle, p.XTicks = "cycle", cycleTicks
		return func(q verdict.Point) float64 { return float64(q.Cycle) }
	case peers:
		p.XTitle, p.XTicks = "peers", Evenly(4, units.Number)
		return func(q verdict.Point) float64 { return q.Dose }
	}
	unit := 1.0
	p.XTicks = Evenly(4, units.Number)
	switch p.XTitle = "seconds"; {
	case seconds > 3*60*60:
		p.XTitle, unit = "hours", 60*60
	case seconds > 3*60:
		p.XTitle, unit = "minutes", 60
	}
	return func(q verdict.Point) float64 { return q.Seconds / unit }
}

// perPeerChart draws what each leak retained per peer in each cycle, or the heap if there is no
// leak.
func perPeerChart(v *verdict.Verdict) Chart {
	p := Chart{Title: "Retained per peer", XTitle: "cycle", XTicks: wholeTicks, Zero: true, Dots: true}
	p.setUnit("")
	for _, l := range slices.Concat(v.Leaks, v.Doubtful) {
		if len(p.Lines) == MostLines {
			break
		}
		if line := perPeerLine(v, &l); len(line.Points) > 0 {
			line.Colour = len(p.Lines)
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
		line := Line{Name: s.Name}
		for i := 1; i < len(s.Points); i++ {
			a, b := s.Points[i-1], s.Points[i]
			if b.Cycle > a.Cycle && b.Dose > a.Dose {
				line.Points = append(line.Points, XY{float64(b.Cycle), (b.Value - a.Value) / (b.Dose - a.Dose)})
			}
		}
		if len(line.Points) > 0 {
			line.Last = units.Quantity(line.Points[len(line.Points)-1].Y, verdict.Bytes)
			p.setUnit(verdict.Bytes)
			p.AtLeast, p.Lines = verdict.DefaultMatters, append(p.Lines, line)
		}
	}
	return p
}

func perPeerLine(v *verdict.Verdict, l *verdict.Leak) Line {
	line := Line{Name: title(l), Last: units.Rate(l.Source.PerPeer)}
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
				line.Points = append(line.Points, XY{float64(k + 1), float64(n) / float64(dose)})
			}
		}
		break
	}
	return line
}

// setUnit sets how y values are written.
func (c *Chart) setUnit(unit string) {
	c.YTicks = Evenly(5, func(v float64) string { return tickLabel(v, unit) })
	c.Label = func(v float64) string { return units.Quantity(v, unit) }
}

// tickLabel writes a round value.
func tickLabel(v float64, unit string) string {
	if unit == verdict.Bytes {
		return units.Bytes(v)
	}
	return units.Short(v)
}

// cycleTicks are wholeTicks with the baseline at 0.
func cycleTicks(low, high float64) []Tick {
	ticks := wholeTicks(low, high)
	if ticks[0].At == 0 {
		ticks[0].Label = "baseline"
	}
	return ticks
}

// wholeTicks places ticks at every whole number, or at every second, fifth, ... of many.
func wholeTicks(low, high float64) []Tick {
	step := 1.0
	for _, s := range []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000} {
		if step = s; (high-low)/s <= 8 {
			break
		}
	}
	var list []Tick
	for x := low; x <= high; x += step {
		list = append(list, Tick{x, units.Number(x)})
	}
	return list
}
