package verdict

import (
	"maps"
	"slices"
)

// TestHeld answers a question about a total, such as memory, beside a leak of another series.
// The total includes what leaks, and doses of two scenarios may be alike by chance. So the
// answer is about the scenarios of the leak if they explain the total about as well as those
// of t do, which is the answer of TestTogether. Otherwise it is t.
func TestHeld(q Question, t, leak Trend, blocks []Block, cycles []Cycle) Trend {
	own, held := t.scenarios(), leak.scenarios()
	if len(own) == 0 || len(held) == 0 || slices.Equal(own, held) {
		return t
	}
	q = q.withDefaults()
	of := doseOf(held, blocks, cycles)
	if unexplained(of, q.Step) > asWell*unexplained(doseOf(own, blocks, cycles), q.Step) {
		return t
	}
	q.Scenario = ""
	q.Among *= 4 * len(combinations(scenariosOf(cycles), len(held)))
	h := Test(q, of)
	h.name(held, cycles)
	return h
}

// asWell is the ratio of two sums of squares that shows that one explanation is better: about
// the 99 % quantile of F with six degrees of freedom each, as seven pairs have.
const asWell = 8

// unexplained returns the sum of the squares that the doses do not explain.
func unexplained(blocks []Block, step float64) float64 {
	list := pairs("", blocks)
	r, squares := regress(list, step), 0.0
	for _, p := range list {
		squares += p.dose * p.dose
	}
	return r.error * r.error * squares
}

// scenarios returns the scenarios that a trend is about, sorted; nil for all.
func (t *Trend) scenarios() []string {
	if t.Scenario != "" {
		return []string{t.Scenario}
	}
	return slices.Sorted(maps.Keys(t.Together))
}
