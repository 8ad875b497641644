package detect

import (
	"maps"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// StartEmpty makes the baseline one without goroutines, as it is when no goroutine can have
// the Labels yet.
func (g *Goroutines) StartEmpty() {
	g.base, g.cycles = &goroutineCount{map[string]int64{}, map[string]*goroutineStack{}}, nil
}

// Standing is goroutines that were there at a baseline.
type Standing struct {
	Entry string // the function that they were started with
	Count int64
	Born  verdict.Site
	Stack []verdict.Site // of one of them
}

// Standing returns the goroutines of the baseline by entry function, except those that are
// only the standard library's. It asks want of each entry function and count. It returns
// nothing before a baseline, and if the goroutines cannot be read.
func (g *Goroutines) Standing(want func(entry string, n int64) bool) []Standing {
	if g.base == nil {
		return nil
	}
	var wanted []string
	for _, entry := range slices.Sorted(maps.Keys(g.base.entries)) {
		if entry != betweenLives && !g.base.isStandard(entry) && want(entry, g.base.entries[entry]) {
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

// isStandard reports whether all goroutines of a function are the standard library's own,
// such as those of an HTTP client's connections.
func (c *goroutineCount) isStandard(entry string) bool {
	for _, s := range c.stacks {
		if s.entry == entry && slices.ContainsFunc(s.frames, func(f verdict.Site) bool { return !stack.IsStandard(f) }) {
			return false
		}
	}
	return true
}
