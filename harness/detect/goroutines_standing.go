package detect

import (
	"maps"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// StartEmpty sets a baseline without goroutines. It is for Labels that no goroutine has yet.
func (g *Goroutines) StartEmpty() {
	g.base, g.cycles = &goroutineCount{map[string]int64{}, map[string]*goroutineStack{}}, nil
}

// Standing counts goroutines of one entry function at a baseline.
type Standing struct {
	Entry string // the entry function
	Count int64
	Born  verdict.Site
	Stack []verdict.Site // of one of them
}

// Standing returns the goroutines of the baseline by entry function if want returns true for
// the function and its count. It skips those of the standard library. It returns nothing
// before a baseline, and if the goroutines cannot be read.
func (g *Goroutines) Standing(want func(entry string, n int64) bool) []Standing {
	if g.base == nil {
		return nil
	}
	var wanted []string
	for _, entry := range slices.Sorted(maps.Keys(g.base.entries)) {
		if entry != startingOrEnding && !g.base.isStandard(entry) && want(entry, g.base.entries[entry]) {
			wanted = append(wanted, entry)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	nothing := &Goroutines{}
	nothing.StartEmpty()
	all, err := nothing.extra(g.base)
	if err != nil {
		return nil
	}
	var standing []Standing
	for _, e := range all {
		if slices.Contains(wanted, e.entry) {
			standing = append(standing, Standing{e.entry, e.count, e.born, e.stacks[0].frames})
		}
	}
	return standing
}

// isStandard reports whether all goroutines of an entry function are in the standard library
// alone, such as those of an HTTP client's connections.
func (c *goroutineCount) isStandard(entry string) bool {
	for _, s := range c.stacks {
		if s.entry == entry && slices.ContainsFunc(s.frames, func(f verdict.Site) bool { return !stack.IsStandard(f) }) {
			return false
		}
	}
	return true
}
