package verdict

import (
	"cmp"
	"slices"
)

// candidate is a finding that may name a leak, with what Judge worked out about it.
type candidate struct {
	Finding
	source Attribution // the scenarios whose peers leak
	noise  float64     // of its detector, see Detector.Noise
	path   string      // the retaining path, keys starred
	field  string      // the collection, keys starred
	peers  int64       // how many peers the finding is about; 0 if unknown
}

// group holds the candidates of one leak.
type group []*candidate

// join sorts the candidates into leaks. Two candidates belong to the same leak if they
// name the same thing (retaining path, collection, place of birth, type), or if they grow
// in the same way: in the same scenarios, one a whole multiple of the other in each cycle.
// A property that one finding leaves empty does not separate the two. One in which they
// disagree does.
func join(candidates []*candidate) []group {
	u := newUnion(len(candidates))
	shared := make(map[int][]int)
	for i := range candidates {
		if parts := partsOf(candidates, i); len(parts) > 1 {
			shared[i] = parts
		}
	}
	for n, same := range []func(a, b *candidate) bool{sameHolder, sameGrowth, sameThing} { // strongest first
		for i, a := range candidates {
			for j := range i {
				if shared[i] != nil || shared[j] != nil || u.find(i) == u.find(j) || !same(a, candidates[j]) {
					continue
				}
				if n == 0 || !u.conflict(candidates, i, j) { // a common holder is proof enough
					u.merge(i, j)
				}
			}
		}
	}
	return explainChecks(assignTotals(u.groups(candidates, shared)))
}

// conflict reports whether merging the groups of two candidates would put candidates
// together that contradict each other. Two leaks may pass through the same line; that line
// alone must not tie them.
func (u union) conflict(candidates []*candidate, i, j int) bool {
	var left, right []*candidate
	for k, c := range candidates {
		switch u.find(k) {
		case u.find(i):
			left = append(left, c)
		case u.find(j):
			right = append(right, c)
		}
	}
	for _, a := range left {
		for _, b := range right {
			if contradict(a, b) && !sameGrowth(a, b) && !sameHolder(a, b) {
				return true
			}
		}
	}
	return false
}

// explainChecks assigns each failed consistency check to the leak that grew most: the
// check reports that something is wrong, the leak reports what. Without a leak the check
// stays alone.
func explainChecks(groups []group) []group {
	var checks, leaks []group
	for _, g := range groups {
		if len(g) == 1 && g[0].Class == Invariant {
			checks = append(checks, g)
		} else {
			leaks = append(leaks, g)
		}
	}
	if len(leaks) == 0 {
		return checks
	}
	most := slices.MaxFunc(leaks, func(a, b group) int {
		return cmp.Compare(a.principal().Count, b.principal().Count)
	})
	i := slices.IndexFunc(leaks, func(g group) bool { return g[0] == most[0] })
	for _, g := range checks {
		leaks[i] = append(leaks[i], g...)
	}
	return leaks
}
