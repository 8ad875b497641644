package loadgen

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
)

// judge judges a threshold by what came of a run, v being what is known of leaks.
func (t Threshold) judge(r *Result, v *verdict.Verdict) verdict.Threshold {
	switch t.what.of {
	case ofScenario:
		return t.judgeLeak(v)
	case ofSeries:
		return t.judgeSeries(r, v)
	case ofTimes:
		return t.judgeTimes(r)
	case ofFigure:
		return t.judgeFigure(r)
	}
	value, whole, samples := r.counted(t.what.name)
	switch {
	case !samples:
		return t.none("nothing was counted")
	case t.share && whole == 0:
		return t.none("there is no whole to take percent of")
	case t.share:
		return t.compare(100*value/whole, strconv.FormatFloat(100*value/whole, 'g', 4, 64)+"%")
	}
	return t.compare(value, units.Number(value))
}

// counted returns what was counted under a name, of how many, and whether anything
// was there to be counted.
func (r *Result) counted(name string) (value, whole float64, samples bool) {
	d, lives, failed := r.Deliveries, r.Verdict.Run.Lives, 0
	for _, n := range r.Errors {
		failed += n
	}
	of := func(n, whole int64) (float64, float64, bool) { return float64(n), float64(whole), whole > 0 }
	switch name {
	case "lives":
		return of(lives, lives)
	case "connections":
		return of(int64(r.Timeline.peak(columnConnections)), lives)
	case "sent":
		return of(r.Sent, r.Sent)
	case "received":
		return of(r.Received, r.Received)
	case "cut":
		return of(r.Cut, lives)
	case "errors":
		return of(int64(failed), lives+int64(failed))
	}
	n := map[string]int64{"delivered": d.Delivered, "explained": d.Explained, "lost": d.Lost, "duplicated": d.Duplicated,
		"reordered": d.Reordered, "misrouted": d.Misrouted, "unexpected": d.Unexpected}[name]
	return of(n, d.Sent)
}

// judgeTimes: what a generator that was late measured is no answer, but that it did
// reach a rate nevertheless is one.
func (t Threshold) judgeTimes(r *Result) verdict.Threshold {
	times, rate := r.timesOf(t.of)
	if times.Count() == 0 {
		return t.none("no time of " + t.of + " was taken")
	}
	var j verdict.Threshold
	switch {
	case t.what.name == "count":
		return t.compare(float64(times.Count()), units.Number(float64(times.Count())))
	case t.what.name == "rate" && math.IsNaN(rate):
		return t.none("one alone has no rate")
	case t.what.name == "rate":
		j = t.compare(rate, strconv.FormatFloat(rate, 'g', 4, 64))
	case t.what.name == "mean":
		j = t.compareTime(times.Mean())
	case t.what.name == "max":
		j = t.compareTime(times.Max())
	default:
		j = t.compareTime(times.Quantile(t.what.quantile))
	}
	reached := t.what.name == "rate" && j.Outcome == verdict.Pass && strings.HasPrefix(t.op, ">")
	if r.Timing.Outcome != verdict.None && t.of != slipName && !reached {
		j.Outcome, j.Why = verdict.Inconclusive, "the generator was saturated"
	}
	return j
}

// timesOf returns the times of a hop, and how many there were a second.
func (r *Result) timesOf(name string) (latency.Times, float64) {
	if name == slipName {
		return r.Latencies.Slip, math.NaN()
	}
	word, service := strings.CutSuffix(name, serviceSuffix)
	hop, _ := latency.ParseHop(word) // checked with the threshold
	h := &r.Latencies.Hops[hop]
	if service {
		return h.Service, h.Rate()
	}
	return h.Latency, h.Rate()
}

func (t Threshold) judgeLeak(v *verdict.Verdict) verdict.Threshold {
	if len(v.Trends) == 0 || t.of != "" && !slices.ContainsFunc(v.Scenarios, func(s verdict.Scenario) bool { return s.Name == t.of }) {
		return t.none("no experiment asked for it; profile check does")
	}
	word := leakWord(v)
	if t.of != "" {
		word = leakOf(v, t.of)
	}
	j := verdict.Threshold{Text: t.text, Actual: word, Outcome: verdict.Failed}
	switch {
	case word == "":
		j.Outcome, j.Why = verdict.Inconclusive, "the run could not tell"
	case (word == t.word) == (t.op == "=="):
		j.Outcome = verdict.Pass
	}
	return j
}

// leakWord is what is known of leaks in a word, "" for nothing.
func leakWord(v *verdict.Verdict) string {
	unsure := slices.ContainsFunc(v.Trends, func(t verdict.Trend) bool { return t.Outcome == verdict.Inconclusive })
	switch {
	case len(v.Leaks) > 0:
		return leakFound
	case unsure || len(v.Doubtful)+len(v.Invalid)+len(verdict.Touching(v.Failures)) > 0:
		return ""
	}
	return leakNone
}

// leakOf is that of one scenario.
func leakOf(v *verdict.Verdict, scenario string) string {
	for i := range v.Leaks {
		for _, s := range v.Leaks[i].Source.Shares {
			if s.Scenario == scenario {
				return leakFound
			}
		}
	}
	if slices.Contains(v.NotLeaking, scenario) {
		return leakNone
	}
	return ""
}

func (t Threshold) judgeSeries(r *Result, v *verdict.Verdict) verdict.Threshold {
	if t.what.name == "peak" {
		if peak := r.Timeline.peak(targetColumn(t.of)); !math.IsNaN(peak) {
			return t.compare(peak, units.Quantity(peak, kindOf(t.of).unit))
		}
		return t.none("no such series; there are " + shortList(r.Timeline.series()))
	}
	var names []string
	for i := range v.Trends {
		if v.Trends[i].Series == t.of {
			return t.judgeTrend(&v.Trends[i])
		}
		names = append(names, v.Trends[i].Series)
	}
	return t.none("no such series was judged; there are " + shortList(names))
}

// judgeFigure judges every figure of the name: the first that does not hold is told.
func (t Threshold) judgeFigure(r *Result) verdict.Threshold {
	var names []string
	var j verdict.Threshold
	for _, f := range r.Figures {
		if f.Name != t.of {
			names = append(names, f.Name)
		} else if j.Text == "" || j.Outcome == verdict.Pass {
			j = t.compare(f.Value, f.Text)
		}
	}
	if j.Text == "" {
		return t.none("no profile measured it; there are " + shortList(names))
	}
	return j
}

// judgeTrend compares the whole interval within which a trend is known.
func (t Threshold) judgeTrend(trend *verdict.Trend) verdict.Threshold {
	j := t.compare(trend.Retained, units.Quantity(trend.Retained, trend.Unit))
	if i := trend.Interval; i == nil || t.holds(i.Low) != t.holds(i.High) {
		j.Outcome, j.Why = verdict.Inconclusive, "the run was too short to tell"
	} else {
		j.Actual += fmt.Sprintf(" (%s to %s)", units.Quantity(i.Low, trend.Unit), units.Quantity(i.High, trend.Unit))
	}
	return j
}

// compare judges a value.
func (t Threshold) compare(v float64, actual string) verdict.Threshold {
	j := verdict.Threshold{Text: t.text, Outcome: verdict.Failed, Actual: actual}
	if t.holds(v) {
		j.Outcome = verdict.Pass
	}
	return j
}

func (t Threshold) compareTime(d time.Duration) verdict.Threshold {
	return t.compare(float64(d), units.Duration(d))
}

// none judges a threshold of which there is no sample.
func (t Threshold) none(why string) verdict.Threshold {
	return verdict.Threshold{Text: t.text, Outcome: verdict.Failed, Why: why}
}

// shortList names the first few.
func shortList(names []string) string {
	const few = 12
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > few:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
	}
	return strings.Join(names, ", ")
}
