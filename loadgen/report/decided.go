package report

import (
	"fmt"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// CutShort describes the threshold that ended a run before its time.
type CutShort struct {
	Threshold string  `json:"threshold"`
	Actual    string  `json:"actual"`  // the value that broke it
	Seconds   float64 `json:"seconds"` // since the run began
}

func (c *CutShort) String() string {
	return fmt.Sprintf("at second %.1f, because %s cannot be met any more: %s", c.Seconds, c.Threshold, c.Actual)
}

// Judge evaluates a threshold of the run that was cut short: one that was still open may
// have failed or held later.
func (c *CutShort) Judge(t plan.Threshold, r *Result) verdict.Threshold {
	if t.Text == c.Threshold {
		return verdict.Threshold{Text: t.Text, Outcome: verdict.Failed, Actual: c.Actual, Why: fmt.Sprintf("the run was cut short at second %.1f", c.Seconds)}
	}
	if j, broken := Broken(t, r, 0); broken {
		return j
	}
	return verdict.Threshold{Text: t.Text, Outcome: verdict.Inconclusive, Why: "the run was cut short before it was decided"}
}

// Broken evaluates a threshold of a run under way. It reports whether nothing that follows can
// make the threshold hold. At most so many times of one hop are taken in the whole run; 0 if
// that is not known.
func Broken(t plan.Threshold, r *Result, most int64) (j verdict.Threshold, broken bool) {
	j = JudgeThreshold(t, r, &r.Verdict)
	if j.Outcome != verdict.Failed || j.Actual == "" {
		return j, false // it holds so far, nothing was measured yet, or the generator is saturated
	}
	return j, threshold{t}.isFinal(r, most)
}

// isFinal reports whether a threshold that does not hold cannot hold later. What is counted
// only rises, a percentage may fall again, and each figure of a name must hold.
func (t threshold) isFinal(r *Result, most int64) bool {
	switch t.What.Of {
	case plan.OfFigure:
		return true
	case plan.OfScenario:
		return false // the experiment ends by itself
	case plan.OfSeries:
		return t.What.Name == "peak" && t.Surpassed(r.Timeline.peak(TargetColumn(t.Of)))
	case plan.OfTimes:
		return t.Surpassed(t.lowest(r, most))
	}
	value, _, _ := r.counted(t.What.Name)
	return !t.Share && t.Surpassed(value)
}

// lowest returns the lowest value that a measure of times can have at the end of the run, in
// which all further times are 0.
func (t threshold) lowest(r *Result, most int64) float64 {
	times, _ := r.timesOf(t.Of)
	n := times.Count()
	switch {
	case t.What.Name == "count":
		return float64(n)
	case t.What.Name == "max":
		return float64(times.Max())
	case t.What.Name == "rate" || t.Of == plan.SlipName || n == 0 || most < n:
		return 0
	case t.What.Name == "mean":
		return float64(times.Mean()) * float64(n) / float64(most)
	}
	rank := int64(t.What.Quantile*float64(most)+0.5) - (most - n) // among the times so far
	if rank < 1 {
		return 0
	}
	return float64(times.Quantile(float64(rank) / float64(n)))
}
