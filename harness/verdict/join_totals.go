package verdict

import (
	"maps"
	"math"
	"slices"
)

// assignTotals assigns each nameless candidate to the one leak it can belong to: a total
// grows because something in it grows.
func assignTotals(groups []group) []group {
	var named, totals []group
	for _, g := range groups {
		if slices.ContainsFunc(g, func(c *candidate) bool { return !c.nameless() }) {
			named = append(named, g)
		} else {
			totals = append(totals, g)
		}
	}
	for _, g := range totals {
		if i := owner(named, g[0]); i >= 0 {
			named[i] = append(named[i], g...)
		} else {
			named = append(named, g)
		}
	}
	return named
}

// nameless reports whether a candidate names no thing, as a total or a failed check.
func (c *candidate) nameless() bool {
	return c.Type == "" && c.field == "" && c.path == "" && c.Born == Site{}
}

// owner returns the index of the group that a total belongs to: the one from the same
// scenarios, or else the only one whose scenarios are not known. It returns -1 if there is
// no such group, or if there are several.
func owner(groups []group, c *candidate) int {
	found, several := -1, false
	for i, g := range groups {
		source := g.principal().source
		if c.source.certain() && source.certain() {
			if sameSource(c.source, source) {
				return i
			}
			continue
		}
		several = found >= 0
		found = i
	}
	if several {
		return -1
	}
	return found
}

// partsOf returns the candidates whose counts add up to the count of candidate i: one line
// may allocate for two leaks. All parts come from one detector, so nothing counts twice.
func partsOf(candidates []*candidate, i int) []int {
	c := candidates[i]
	if len(c.PerCycle) == 0 || c.path != "" {
		return nil
	}
	parts := make(map[string][]int)
	for j, o := range candidates {
		if o.Detector != c.Detector && len(o.PerCycle) == len(c.PerCycle) && related(c, o) {
			parts[o.Detector] = append(parts[o.Detector], j)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if list := parts[name]; len(list) > 1 && addUp(candidates, list, c) {
			return list
		}
	}
	return nil
}

// addUp reports whether the parts make c, but for its noise, in each cycle.
func addUp(candidates []*candidate, parts []int, c *candidate) bool {
	for k, n := range c.PerCycle {
		for _, j := range parts {
			n -= candidates[j].PerCycle[k]
		}
		if math.Abs(float64(n)) > c.noise {
			return false
		}
	}
	return true
}

// related is sameThing regardless of the scenarios.
func related(a, b *candidate) bool {
	x, y := *a, *b
	x.source, y.source = Attribution{}, Attribution{}
	return sameThing(&x, &y)
}
