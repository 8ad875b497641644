package verdict

import (
	"math"
	"slices"
)

// Which scenario leaks is decided by the first of these that answers. A detector, an
// explanation or a campaign may contribute to a rung; this package alone picks.
//
//  1. Labels. The detector reads the scenario from the thing itself: Watch from the label
//     that it was given, Census from the keys of a collection, Goroutines from pprof
//     labels. The finding carries it in PerScenario.
//  2. Addresses. For a connection, Descriptors and Unclosed look up the remote address
//     among those that the crowd dialled from. The finding carries it in PerScenario.
//  3. Text near objects. For a line that allocates, a heap dump is searched for the peer id
//     nearest to each object, and then for keys of maps on its retaining path; nine tenths
//     of the objects must agree on having one. The finding carries it in PerScenario.
//  4. Doses. Without PerScenario the scenarios are solved for from the growth in each
//     cycle and the doses; see attribute.go.
//  5. Trials. If there is a leak and rung 4 names no scenario of any, the campaign adds
//     cycles in which about half of the scenarios take part (see Trials), and rung 4 solves
//     all cycles again.
//  6. Blocks. A trend of a target that is seen from outside is solved for as in rung 4. The
//     scenarios that TestTogether regressed it on replace the solution if there is none, or
//     if they explain the counts much better.
//
// One rule goes over the rungs, once candidates are joined: if the candidate that names a
// leak has no PerScenario, and another candidate of the leak has and grew by the same
// counts, the leak takes the attribution of the other; see labelledTwin.

// source attributes a candidate to scenarios. t is the trend that the candidate stands for,
// or nil.
func (j *judge) source(c *candidate, t *Trend) Attribution {
	labelled := j.run.fromLabels(c)
	if t != nil {
		return j.fromBlocks(t, c.noise, labelled)
	}
	if labelled.Solved || c.Class == Memory { // an array grows in steps, which follow no dose
		return labelled
	}
	return j.problem.solve(c.PerCycle, c.noise)
}

// fromLabels returns the attribution of a finding whose detector knows the scenarios (rungs
// 1 to 3).
func (r *Run) fromLabels(c *candidate) Attribution {
	of := 0 // scenarios that "every scenario" means
	for _, s := range r.Scenarios {
		if s.Unit == "" {
			of++
		}
	}
	a := Attribution{Solved: true, Every: of > 1}
	leaked, peers, named := 0.0, 0.0, 0
	for _, s := range r.Scenarios {
		n := c.PerScenario[s.Name]
		if n <= 0 {
			a.Every = a.Every && s.Unit != ""
			continue
		}
		if s.Unit == "" {
			named++
		}
		landed := float64(max(1, r.peers(s)))
		if c.peers > 0 && len(c.PerScenario) == 1 {
			landed = float64(c.peers)
		}
		a.Shares = append(a.Shares, Share{s.Name, float64(n) / landed})
		leaked, peers = leaked+float64(n), peers+landed
	}
	if len(a.Shares) == 0 {
		return Attribution{}
	}
	a.PerPeer = leaked / peers
	if !a.Every && len(a.Shares) < len(r.Scenarios) && 2*named > of {
		for _, s := range r.Scenarios {
			if c.PerScenario[s.Name] <= 0 && s.Unit == "" {
				a.But = append(a.But, s.Name)
			}
		}
	}
	return a
}

// peers returns how many peers went through a scenario in the cycles. A warm-up is before
// the first cycle and does not count.
func (r *Run) peers(s Scenario) (n int64) {
	for _, c := range r.Cycles {
		n += c.Doses[s.Name]
	}
	if n > 0 {
		return n
	}
	return s.Landed
}

// fromBlocks attributes a trend of several scenarios at once (rung 6). The solution is
// better where it exists, but it needs counts that fit to the unit if three or more
// scenarios leak.
func (j *judge) fromBlocks(t *Trend, noise float64, labelled Attribution) Attribution {
	solved, regressed := j.problem.solve(t.PerCycle, noise), t.regressed()
	switch {
	case !solved.Solved && regressed.Solved && len(t.PerCycle) > 0:
		return regressed
	case !solved.Solved:
		return labelled
	case !regressed.Solved:
		return solved
	}
	missed, other := j.problem.squaredError(regressed, t.PerCycle), j.problem.squaredError(solved, t.PerCycle)
	if 2*missed < other || missed <= other && !solved.certain() {
		return regressed
	}
	return solved
}

// regressed returns the scenarios that a trend was regressed on, at the rate that it found.
func (t *Trend) regressed() Attribution {
	names := t.scenarios()
	a := Attribution{Solved: len(names) > 0, PerPeer: t.Retained / 1000}
	for _, name := range names {
		a.Shares = append(a.Shares, Share{name, a.PerPeer})
	}
	return a
}

// squaredError returns the sum of the squares by which an attribution misses the counts.
func (p *attributionProblem) squaredError(a Attribution, perCycle []int64) float64 {
	sum, mean := 0.0, 0.0
	for _, n := range perCycle {
		mean += float64(n) / float64(len(perCycle))
	}
	for k, n := range perCycle {
		want := 0.0
		for _, s := range a.Shares {
			if i := slices.Index(p.names, s.Scenario); i >= 0 && k < len(p.doses[i]) {
				want += s.PerPeer * p.doses[i][k]
			}
		}
		if a.Fixed {
			want = mean
		}
		sum += (float64(n) - want) * (float64(n) - want)
	}
	return sum
}

// How far the counts of a twin may be off, relative to those of the principal. More is
// allowed for what the principal holds, or is held in: some goroutines hold nothing, and
// some objects have no key.
const (
	twinTolerance       = 0.03
	twinHolderTolerance = 0.25
)

// labelledTwin returns the last candidate that has labels where the principal has none, and
// grew by about the same in each cycle. It returns nil if there is none.
func (g group) labelledTwin(principal *candidate) (twin *candidate) {
	if len(principal.PerScenario) > 0 {
		return nil
	}
	for _, c := range g {
		tolerance := twinTolerance
		if principal.Class == Goroutine && c.heldByGoroutine(principal) || within(principal.path, c.field) {
			tolerance = twinHolderTolerance
		}
		if len(c.PerScenario) > 0 && c.source.Solved && sameCounts(principal, c, tolerance) {
			twin = c
		}
	}
	return twin
}

// sameCounts reports whether both grew by the same in each cycle, give or take one thing or
// the tolerance.
func sameCounts(a, b *candidate, tolerance float64) bool {
	if len(a.PerCycle) != len(b.PerCycle) || len(a.PerCycle) == 0 {
		return false
	}
	for k, n := range a.PerCycle {
		if d := math.Abs(float64(n - b.PerCycle[k])); d > 1 && d > tolerance*float64(n) {
			return false
		}
	}
	return true
}
