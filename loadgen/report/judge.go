package report

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
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// JudgeThreshold evaluates a threshold by the result of a run and by its leaks so far.
func JudgeThreshold(t plan.Threshold, r *Result, v *verdict.Verdict) verdict.Threshold {
	return threshold{t}.judge(r, v)
}

// threshold is a threshold with the methods that evaluate it.
type threshold struct{ plan.Threshold }

// judge evaluates the threshold by the kind of its operand.
func (t threshold) judge(r *Result, v *verdict.Verdict) verdict.Threshold {
	switch t.What.Of {
	case plan.OfScenario:
		return t.judgeLeak(v)
	case plan.OfSeries:
		return t.judgeSeries(r, v)
	case plan.OfTimes:
		return t.judgeTimes(r)
	case plan.OfFigure:
		return t.judgeFigure(r)
	}
	value, whole, samples := r.counted(t.What.Name)
	switch {
	case !samples:
		return t.none("nothing was counted")
	case t.Share && whole == 0:
		return t.none("nothing was counted that it could be a percentage of")
	case t.Share:
		return t.compare(100*value/whole, strconv.FormatFloat(100*value/whole, 'g', 4, 64)+"%")
	}
	return t.compare(value, units.Number(value))
}

// counted returns the count of a name, the whole that it is a part of, and whether there
// were samples.
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
		return of(int64(r.Timeline.peak(ColumnConnections)), lives)
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
// reach a rate nevertheless is one. A bound that is broken may be so because of the generator,
// if that was late by half of the bound.
func (t threshold) judgeTimes(r *Result) verdict.Threshold {
	times, rate := r.timesOf(t.Of)
	if times.Count() == 0 {
		return t.none("no time of " + t.Of + " was taken")
	}
	var j verdict.Threshold
	switch {
	case t.What.Name == "count":
		return t.compare(float64(times.Count()), units.Number(float64(times.Count())))
	case t.What.Name == "rate" && math.IsNaN(rate):
		return t.none("one alone has no rate")
	case t.What.Name == "rate":
		j = t.compare(rate, strconv.FormatFloat(rate, 'g', 4, 64))
	case t.What.Name == "mean":
		j = t.compareTime(times.Mean())
	case t.What.Name == "max":
		j = t.compareTime(times.Max())
	default:
		j = t.compareTime(times.Quantile(t.What.Quantile))
	}
	reached := t.What.Name == "rate" && j.Outcome == verdict.Pass && strings.HasPrefix(t.Op, ">")
	if r.Timing.Outcome != verdict.None && t.Of != plan.SlipName && !reached {
		j.Outcome, j.Why = verdict.Inconclusive, "the generator was saturated"
	} else if late := r.late(t.Of); j.Outcome == verdict.Failed && t.Of != plan.SlipName && t.Surpassed(2*float64(late)) {
		j.Outcome, j.Why = verdict.Inconclusive, fmt.Sprintf("the generator itself was up to %s late, which is too much to blame the target", units.Duration(late))
	}
	return j
}

// late returns how late the generator itself was in taking the times of a hop: it read late,
// and, unless those are service times, it began late.
func (r *Result) late(of string) time.Duration {
	if strings.HasSuffix(of, plan.ServiceSuffix) {
		return r.Generator.Lag99
	}
	return max(r.Generator.Lag99, r.Timing.Slip99)
}

// timesOf returns the times of a hop, and how many there were a second.
func (r *Result) timesOf(name string) (latency.Times, float64) {
	if name == plan.SlipName {
		return r.Latencies.Slip, math.NaN()
	}
	word, service := strings.CutSuffix(name, plan.ServiceSuffix)
	hop, _ := latency.ParseHop(word) // checked with the threshold
	h := &r.Latencies.Hops[hop]
	if service {
		return h.Service, h.Rate()
	}
	return h.Latency, h.Rate()
}

func (t threshold) judgeLeak(v *verdict.Verdict) verdict.Threshold {
	if len(v.Trends) == 0 || t.Of != "" && !slices.ContainsFunc(v.Scenarios, func(s verdict.Scenario) bool { return s.Name == t.Of }) {
		return t.none("no experiment asked for it; profile check does")
	}
	word := leakWord(v)
	if t.Of != "" {
		word = LeakOf(v, t.Of)
	}
	j := verdict.Threshold{Text: t.Text, Actual: word, Outcome: verdict.Failed}
	switch {
	case word == "":
		j.Outcome, j.Why = verdict.Inconclusive, "the run is not conclusive"
	case (word == t.Word) == (t.Op == "=="):
		j.Outcome = verdict.Pass
	}
	return j
}

// leakWord returns whether the run has a leak, "" if that is not known.
func leakWord(v *verdict.Verdict) string {
	switch {
	case len(v.Leaks) > 0:
		return plan.LeakFound
	case v.Clears():
		return plan.LeakNone
	}
	return ""
}

// LeakOf returns whether a scenario leaks, "" if that is not known.
func LeakOf(v *verdict.Verdict, scenario string) string {
	for i := range v.Leaks {
		for _, s := range v.Leaks[i].Source.Shares {
			if s.Scenario == scenario {
				return plan.LeakFound
			}
		}
	}
	if slices.Contains(v.NotLeaking, scenario) {
		return plan.LeakNone
	}
	return ""
}

func (t threshold) judgeSeries(r *Result, v *verdict.Verdict) verdict.Threshold {
	if t.What.Name == "peak" {
		if peak := r.Timeline.peak(TargetColumn(t.Of)); !math.IsNaN(peak) {
			return t.compare(peak, units.Quantity(peak, KindOf(t.Of).Unit))
		}
		return t.none("no such series; there are " + shortList(r.Timeline.series()))
	}
	var names []string
	for i := range v.Trends {
		if v.Trends[i].Series == t.Of {
			return t.judgeTrend(&v.Trends[i])
		}
		names = append(names, v.Trends[i].Series)
	}
	return t.none("no such series was judged; there are " + shortList(names))
}

// judgeFigure evaluates all figures of a name, and returns the first that does not hold.
func (t threshold) judgeFigure(r *Result) verdict.Threshold {
	var names []string
	var j verdict.Threshold
	for _, f := range r.Figures {
		switch {
		case !f.isNamed(t.Of):
			names = append(names, f.Name)
		case t.Unit != "" && t.Unit != f.Unit:
			return t.none(fmt.Sprintf("%s is %s, which is not in the unit of the threshold", f.Name, f.Text))
		case j.Text == "" || j.Outcome == verdict.Pass:
			j = t.compare(f.Value, f.Text)
		}
	}
	if j.Text == "" {
		return t.none("no profile measured it; there are " + shortList(names))
	}
	return j
}

// judgeTrend evaluates the whole confidence interval of a trend.
func (t threshold) judgeTrend(trend *verdict.Trend) verdict.Threshold {
	j := t.compare(trend.Retained, units.Quantity(trend.Retained, trend.Unit))
	if i := trend.Interval; i == nil || t.Holds(i.Low) != t.Holds(i.High) {
		j.Outcome, j.Why = verdict.Inconclusive, "the run was too short to decide"
	} else {
		j.Actual += fmt.Sprintf(" (%s to %s)", units.Quantity(i.Low, trend.Unit), units.Quantity(i.High, trend.Unit))
	}
	return j
}

// compare evaluates a value.
func (t threshold) compare(v float64, actual string) verdict.Threshold {
	j := verdict.Threshold{Text: t.Text, Outcome: verdict.Failed, Actual: actual}
	if t.Holds(v) {
		j.Outcome = verdict.Pass
	}
	return j
}

func (t threshold) compareTime(d time.Duration) verdict.Threshold {
	return t.compare(float64(d), units.Duration(d))
}

// none returns the failure of a threshold without a sample.
func (t threshold) none(why string) verdict.Threshold {
	return verdict.Threshold{Text: t.Text, Outcome: verdict.Failed, Why: why}
}

// shortList lists the first few names.
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
