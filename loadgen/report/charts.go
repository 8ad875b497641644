package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
)

// chart is a chart to which lines of a Timeline are added.
type chart struct{ report.Chart }

// latencyCharts returns a chart of each hop: latency and service time by percentile.
func (r *Result) latencyCharts() []chart {
	var list []chart
	for i := range r.Latencies.Hops {
		h := &r.Latencies.Hops[i]
		if h.Latency.Count() == 0 {
			continue
		}
		c := chart{report.Chart{
			Title: latency.Hop(i).String(), XTitle: "percentile", XTicks: percentiles, YTicks: decades,
			Lines: []report.Line{
				{Name: "latency, p99", Last: units.Duration(h.Latency.Quantile(.99)), Points: spectrum(h.Latency)},
				{Name: "service time, p99", Last: units.Duration(h.Service.Quantile(.99)), Points: spectrum(h.Service), Colour: 1, Dashed: true},
			},
		}}
		list = append(list, c)
	}
	return list
}

// spectrum returns the times by percentile, both on a logarithmic scale, up to the
// percentile that the number of times supports.
func spectrum(t latency.Times) []report.XY {
	if t.Count() == 0 {
		return nil
	}
	const perDecade = 24
	end := math.Max(1, math.Log10(float64(t.Count())))
	var at, quantiles []float64
	for i := 0.0; i/perDecade < end; i++ {
		at = append(at, i/perDecade)
		quantiles = append(quantiles, 100*(1-math.Pow(10, -i/perDecade)))
	}
	at, quantiles = append(at, end), append(quantiles, 100)
	var points []report.XY
	for i, d := range t.ValuesAt(quantiles) {
		seconds := max(d, time.Microsecond).Seconds()
		points = append(points, report.XY{X: at[i], Y: math.Log10(seconds)})
	}
	return points
}

// overTime returns a chart whose x axis is the time of the run.
func (t *Timeline) overTime(title string, label func(float64) string) chart {
	unit, name := 1.0, "seconds"
	if n := len(t.Seconds); n > 0 {
		switch end := t.Seconds[n-1]; {
		case end > 3*60*60:
			unit, name = 60*60, "hours"
		case end > 5*60:
			unit, name = 60, "minutes"
		}
	}
	c := chart{report.Chart{Title: title, XTitle: name, Zero: true, YTicks: report.Evenly(4, label),
		XTicks: func(low, high float64) []report.Tick {
			ticks := report.Evenly(6, units.Short)(low/unit, high/unit)
			for i := range ticks {
				ticks[i].At *= unit
			}
			return ticks
		}}}
	c.Bands = bands(t.Spans)
	return c
}

// bridged bounds the times without a value that a line spans.
const bridged = 8

// line adds a column, or its change per second.
func (c *chart) line(t *Timeline, name, column string, aSecond bool, last func(float64) string) {
	values := t.column(column)
	if values == nil || len(c.Lines) == report.MostLines {
		return
	}
	l := report.Line{Name: name, Colour: len(c.Lines)}
	before, at, most := 0.0, 0.0, math.Inf(-1)
	gap := 0
	for i, v := range values {
		x := t.Seconds[i]
		if gap++; !math.IsNaN(v) {
			gap = 0
		}
		if !aSecond && (gap == 0 || gap > bridged) {
			l.Points = append(l.Points, report.XY{X: x, Y: v})
		} else if aSecond && !math.IsNaN(v) && x > at {
			l.Points = append(l.Points, report.XY{X: x, Y: (v - before) / (x - at)})
			before, at = v, x
		}
		if n := len(l.Points); n > 0 && l.Points[n-1].Y > most {
			most = l.Points[n-1].Y
		}
	}
	if !math.IsInf(most, 0) {
		l.Last = "at most " + last(most)
	}
	c.Lines = append(c.Lines, l)
}

// loadCharts returns charts of the load.
func (r *Result) loadCharts() []chart {
	t := &r.Timeline
	connections := t.overTime("Connections", units.Short)
	connections.line(t, "open", ColumnConnections, false, units.Short)
	rates := t.overTime("Rates, a second", units.Short)
	rates.line(t, "connects", ColumnLives, true, units.Short)
	rates.line(t, "messages sent", ColumnSent, true, units.Short)
	rates.line(t, "received", ColumnReceived, true, units.Short)
	rates.line(t, "errors", ColumnErrors, true, units.Short)
	return notEmpty(append([]chart{connections, rates}, t.timesCharts()...))
}

// timesCharts returns charts of the times of the most frequent hops.
func (t *Timeline) timesCharts() []chart {
	var hops []string
	for _, c := range t.Columns {
		if name, ok := strings.CutPrefix(c.Name, CountPrefix); ok {
			hops = append(hops, name)
		}
	}
	slices.SortStableFunc(hops, func(a, b string) int { return cmp.Compare(t.peak(CountPrefix+b), t.peak(CountPrefix+a)) })
	millis := func(v float64) string { return units.Duration(time.Duration(v * float64(time.Millisecond))) }
	p50, p99 := t.overTime("Latency, median", millis), t.overTime("Latency, 99th percentile", millis)
	for _, h := range hops {
		p50.line(t, h, P50Prefix+h, false, millis)
		p99.line(t, h, P99Prefix+h, false, millis)
	}
	if more := len(hops) - report.MostLines; more > 0 {
		p50.Note = fmt.Sprintf("and %d less frequent ones", more)
		p99.Note = p50.Note
	}
	return []chart{p50, p99}
}

// targetCharts returns charts of the readings of the target.
func (r *Result) targetCharts() []chart {
	t := &r.Timeline
	size := func(v float64) string { return units.Quantity(v, verdict.Bytes) }
	memory, gauges := t.overTime("Memory", size), t.overTime("Goroutines and descriptors", units.Short)
	latest, counts := map[string]float64{}, []string(nil)
	for _, name := range t.series() {
		latest[name] = 0
		if k := KindOf(name); k.Unit != verdict.Bytes && k.Class != verdict.Goroutine && k.Class != verdict.Descriptor {
			counts = append(counts, name)
		}
	}
	for _, s := range Shown(latest) {
		if s.Unit == verdict.Bytes {
			memory.line(t, s.Series, TargetColumn(s.Series), false, size)
		} else {
			gauges.line(t, s.Series, TargetColumn(s.Series), false, units.Short)
		}
	}
	memory.line(t, "live after a collection", TargetColumn("pprof.heap_live_bytes"), false, size)
	return notEmpty(append([]chart{memory, gauges}, t.countCharts(counts)...))
}

// countCharts returns charts of the counts of the target. Counts much smaller than the
// number of peers have a chart of their own. Of counts that look alike one is drawn.
func (t *Timeline) countCharts(names []string) []chart {
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(t.peak(TargetColumn(b)), t.peak(TargetColumn(a))) })
	large, small := t.overTime("What it counts", units.Short), t.overTime("What it counts, smaller", units.Short)
	still, same := 0, 0
	var drawn []string
	for _, name := range names {
		column := TargetColumn(name)
		switch {
		case t.still(column):
			still++
			continue
		case slices.ContainsFunc(drawn, func(other string) bool { return t.alike(other, column) }):
			same++
			continue
		case t.peak(column)*8 >= t.peak(TargetColumn(names[0])):
			large.line(t, name, column, false, units.Short)
		default:
			small.line(t, name, column, false, units.Short)
		}
		drawn = append(drawn, column)
	}
	if still+same > 0 {
		large.Note = fmt.Sprintf("%d more go alike, %d never moved", same, still)
	}
	return []chart{large, small}
}

// alike reports whether two columns look the same in a chart.
func (t *Timeline) alike(a, b string) bool {
	const eye = 0.03
	sum, n := 0.0, 0.0
	for i, v := range t.column(a) {
		if d := math.Abs(v - t.column(b)[i]); !math.IsNaN(d) {
			sum, n = sum+d, n+1
		}
	}
	return n > 0 && sum/n <= eye*t.peak(a)
}

// still reports whether a column is constant.
func (t *Timeline) still(column string) bool {
	first := math.NaN()
	for _, v := range t.column(column) {
		switch {
		case math.IsNaN(v):
		case math.IsNaN(first):
			first = v
		case v != first:
			return false
		}
	}
	return true
}

func notEmpty(list []chart) []chart {
	return slices.DeleteFunc(list, func(c chart) bool { return c.Empty() })
}
