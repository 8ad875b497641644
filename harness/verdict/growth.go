package verdict

import (
	"fmt"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Watch is the name of the detector that watches single objects. One object that stays is a
// leak.
const Watch = "watch"

// strict reports whether a single thing of this kind is a leak. Any other growth might be a
// cache that fills up to its bound.
func strict(f *Finding) bool {
	switch f.Class {
	case Goroutine, Unclosed, Descriptor, Timer, Subscription, Gauge, Invariant:
		return true
	}
	return f.Detector == Watch
}

// doubt returns why the growth of a group may be no leak, and what would decide. Both are
// empty if one candidate leaves no doubt.
func (j *judge) doubt(g group) (why, do string) {
	for _, c := range g {
		w, d := j.doubtful(c)
		if w == "" {
			return "", ""
		}
		if why == "" {
			why, do = w, d
		}
	}
	return why, do
}

// doubtful is doubt for one candidate.
func (j *judge) doubtful(c *candidate) (why, do string) {
	if strict(&c.Finding) || len(c.PerCycle) < 2 || len(c.PerScenario) > 0 || c.source.certain() && !c.source.Fixed {
		return "", ""
	}
	judged := j.judged(c.PerCycle)
	rates := j.rates(judged)
	first, last := rates[0], rates[len(rates)-1]
	grew := 0
	for _, n := range judged {
		if n > 0 {
			grew++
		}
	}
	switch {
	case c.source.Fixed:
		return "it grows by as much in each cycle, whatever the number of peers: with time, or because of the run itself",
			"run as many cycles without peers and compare"
	case grew < len(judged) && c.Class != Memory:
		return fmt.Sprintf("it grew in %d of %d cycles", grew, len(judged)), "run more cycles: a leak grows in each, a table that doubles does not"
	case last < first/2 && slices.IsSortedFunc(rates, descending):
		return fmt.Sprintf("it grows less and less, from %s to %s per peer, as a cache does that fills", units.Rate(first), units.Rate(last)),
			"run twice the cycles, or warm up until it is full"
	}
	return "", ""
}

// judged returns the growth in the cycles before the first trial.
func (j *judge) judged(perCycle []int64) []int64 {
	for k, c := range j.run.Cycles {
		if c.Trial && k < len(perCycle) {
			return perCycle[:k]
		}
	}
	return perCycle
}

// rates returns the growth per peer in each cycle.
func (j *judge) rates(perCycle []int64) []float64 {
	rates := make([]float64, len(perCycle))
	for k, n := range perCycle {
		rates[k] = float64(n)
		if k < len(j.problem.total) {
			rates[k] /= max(1, j.problem.total[k])
		}
	}
	return rates
}

func descending(a, b float64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// doubtTrends adds a doubt for each series that is undecided.
func (v *Verdict) doubtTrends() {
	for _, t := range v.Trends {
		if t.Outcome == Inconclusive {
			v.Doubts = append(v.Doubts, Reason{About: t.Series, What: t.Name() + ": " + t.Why, Do: t.Advice()})
		}
	}
}
