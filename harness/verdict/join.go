package verdict

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Findings speak of the same leak if they name the same thing (retaining path,
// collection, place of birth, type) or grow in the same way: from the same
// scenarios, by a whole multiple of each other in each cycle. What they do not
// say does not keep them apart; what they say differently does.
const (
	minPattern  = 10   // things whose growth is a pattern, not a coincidence
	maxMultiple = 64   // objects that one retained peer may drag along at one line
	loose       = 0.02 // by which multiples may be missed, beside the noise
)

// clue is a finding with what was worked out about it.
type clue struct {
	Finding
	source Attribution
	noise  float64
	path   string // starred
	field  string // starred
	peers  int64  // it speaks of, if it knows
}

// group is the clues of one leak.
type group []*clue

// join sorts the clues into leaks.
func join(clues []*clue) []group {
	u := newUnion(len(clues))
	shared := make(map[int][]int)
	for i := range clues {
		if parts := partsOf(clues, i); len(parts) > 1 {
			shared[i] = parts
		}
	}
	for n, same := range []func(a, b *clue) bool{sameHolder, sameGrowth, sameThing} { // the stronger first
		for i, a := range clues {
			for j := range i {
				if shared[i] != nil || shared[j] != nil || u.find(i) == u.find(j) || !same(a, clues[j]) {
					continue
				}
				if n == 0 || !u.conflict(clues, i, j) { // what holds both is proof enough
					u.merge(i, j)
				}
			}
		}
	}
	return explainChecks(adopt(u.groups(clues, shared)))
}

// explainChecks gives a consistency check that fails to the leak that grew most:
// the check says that something is wrong, the leak says what. Alone it stays.
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
	most := slices.MaxFunc(leaks, func(a, b group) int { return cmp.Compare(a.principal().Count, b.principal().Count) })
	i := slices.IndexFunc(leaks, func(g group) bool { return g[0] == most[0] })
	for _, g := range checks {
		leaks[i] = append(leaks[i], g...)
	}
	return leaks
}

// conflict reports whether merging the groups of two clues would bring clues
// together that speak of different leaks: a line that both have in common must
// not tie them.
func (u union) conflict(clues []*clue, i, j int) bool {
	var left, right []*clue
	for k, c := range clues {
		switch u.find(k) {
		case u.find(i):
			left = append(left, c)
		case u.find(j):
			right = append(right, c)
		}
	}
	for _, a := range left {
		for _, b := range right {
			if differ(a, b) && !sameGrowth(a, b) && !sameHolder(a, b) {
				return true
			}
		}
	}
	return false
}

// sameThing reports whether both name the same path, collection, line or type.
func sameThing(a, b *clue) bool {
	if sameHolder(a, b) {
		return true
	}
	if differ(a, b) {
		return false
	}
	switch {
	case a.field != "" && a.field == b.field,
		samePlace(a.Born, b.Born) && !tellApart(a, b),
		a.passes(b.Born), b.passes(a.Born):
		return true
	}
	return a.Type == b.Type && named(a.Type)
}

// sameHolder reports whether one thing holds both, or one of them the other: the
// paths say so, whatever else does not agree.
func sameHolder(a, b *clue) bool {
	return samePath(a, b) || a.heldByGoroutine(b) || b.heldByGoroutine(a) || a.madeByGoroutine(b) || b.madeByGoroutine(a) || sameFrame(a, b) || within(a.path, b.field) || within(b.path, a.field)
}

// samePath reports whether both are held by the same path, or one by what the
// other's path leads to.
func samePath(a, b *clue) bool {
	if a.path == "" || b.path == "" {
		return false
	}
	return a.path == b.path && a.Type == b.Type || a.holds(b) || b.holds(a)
}

func (c *clue) holds(o *clue) bool {
	return len(o.path) > len(c.path) && c.Path[len(c.Path)-1].Field != "" && within(o.path, c.path)
}

// heldByGoroutine reports whether the path begins in a goroutine that the other clue
// says does not end: what its frames hold is no leak of its own.
func (c *clue) heldByGoroutine(o *clue) bool {
	f := c.frame()
	return f != "" && o.Class == Goroutine && strings.Contains(o.Detail+"\n", f)
}

// madeByGoroutine reports whether the thing was made in a line where the goroutines of
// the other clue are still, and there are as many of both in each cycle: the channel that
// each of them waits for, for example. What the counts alone say of the scenario may be
// chance then; the goroutine knows whose it is.
func (c *clue) madeByGoroutine(o *clue) bool {
	return o.Class == Goroutine && c.Born.Line != 0 && len(c.PerCycle) > 1 && slices.Equal(c.PerCycle, o.PerCycle) &&
		strings.Contains(o.Detail+"\n", fmt.Sprintf("%s:%d %s\n", c.Born.File, c.Born.Line, c.Born.Function))
}

// sameFrame reports whether both are held by goroutines in the same function, or by
// timers that will call it.
func sameFrame(a, b *clue) bool { return a.frame() != "" && a.frame() == b.frame() }

// frame is the function whose frame the path begins in, or that a timer in which it
// begins will call; or the finalizer that holds it.
func (c *clue) frame() string {
	if len(c.Path) == 0 {
		return ""
	}
	if words := strings.Fields(c.Path[0].Holder); len(words) == 3 && words[0] == "goroutine" {
		return words[2]
	}
	if strings.HasPrefix(c.Path[0].Holder, "finalizer of ") {
		return c.Path[0].Holder
	}
	if !strings.HasPrefix(c.Path[0].Holder, "runtime timers") {
		return ""
	}
	for _, e := range c.Path[1:] {
		if f, ok := strings.CutPrefix(e.Holder, "func "); ok {
			return f
		}
	}
	return ""
}

// differ reports whether two clues contradict each other about whose peers or
// which path it is.
func differ(a, b *clue) bool {
	if a.source.certain() && b.source.certain() && !sameSource(a.source, b.source) {
		return true
	}
	return a.path != "" && b.path != "" && !samePath(a, b)
}

// within reports whether a retaining path leads through a collection.
func within(path, field string) bool {
	rest, ok := strings.CutPrefix(path, field)
	return ok && field != "" && (rest == "" || strings.IndexByte(".[ :", rest[0]) >= 0)
}

// samePlace reports whether two sites are the same line.
func samePlace(a, b Site) bool {
	return a.Line != 0 && a.Line == b.Line && a.File == b.File
}

// tellApart reports whether one detector tells two types of one line apart.
func tellApart(a, b *clue) bool {
	return a.Detector == b.Detector && a.Type != b.Type && named(a.Type) && named(b.Type)
}

// passes reports whether what holds the thing was made, or the thing put into it,
// at the site.
func (c *clue) passes(s Site) bool {
	if samePlace(c.Stored, s) {
		return true
	}
	return slices.ContainsFunc(c.Path, func(e Edge) bool { return samePlace(e.Site, s) })
}

// named reports whether a type says what a thing is: any leak may hold a []uint8.
func named(typ string) bool {
	return strings.Contains(typ, ".") && !strings.HasPrefix(strings.TrimLeft(typ, "*"), "[") && !strings.HasPrefix(typ, "map[")
}

// sameGrowth reports whether both come from the same scenarios and grow by a
// whole multiple of each other in each cycle.
func sameGrowth(a, b *clue) bool {
	if len(a.PerCycle)+len(b.PerCycle) == 0 {
		return a.Count > 0 && b.Count > 0 && a.source.Solved && sameSource(a.source, b.source) && (roughly(a, b) || roughly(b, a))
	}
	if len(a.PerCycle) == 0 || len(a.PerCycle) != len(b.PerCycle) || a.source.Fixed || b.source.Fixed {
		return false
	}
	if min(sum(a.PerCycle), sum(b.PerCycle)) < minPattern {
		return false
	}
	if a.source.certain() && b.source.certain() {
		if !sameSource(a.source, b.source) {
			return false
		}
		if a.source.PerPeer >= 0.999 && b.source.PerPeer >= 0.999 {
			return true // every peer of the scenarios, in both
		}
	} else if len(a.PerCycle) < 2 {
		return false
	}
	return multiple(a, b) || multiple(b, a)
}

// multiple reports whether a is b a whole number of times, in each cycle, and that
// is no wonder of the noise.
func multiple(a, b *clue) bool {
	total := float64(sum(a.PerCycle))
	k := math.Round(total / float64(sum(b.PerCycle)))
	noise := a.noise + k*b.noise
	if k < 1 || k > maxMultiple || total < 4*noise*float64(len(a.PerCycle)) {
		return false
	}
	for i, n := range a.PerCycle {
		want := k * float64(b.PerCycle[i])
		if math.Abs(float64(n)-want) > noise+loose*want {
			return false
		}
	}
	return true
}

// roughly reports whether a is b a whole number of times, as far as estimates go.
func roughly(a, b *clue) bool {
	k := math.Round(float64(a.Count) / float64(b.Count))
	return k >= 1 && k <= maxMultiple && math.Abs(float64(a.Count)-k*float64(b.Count)) <= 0.1*float64(a.Count)
}

// anonymous reports whether a clue names nothing: a total, a failed check.
func (c *clue) anonymous() bool {
	return c.Type == "" && c.field == "" && c.path == "" && c.Born == Site{}
}

// adopt gives each anonymous clue to the one leak it can belong to: a total grows
// because something in it does.
func adopt(groups []group) []group {
	var named, totals []group
	for _, g := range groups {
		if slices.ContainsFunc(g, func(c *clue) bool { return !c.anonymous() }) {
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

// owner returns the group that a total belongs to, or -1.
func owner(groups []group, c *clue) int {
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

// partsOf returns the clues of which the clue at i is the sum: one line allocates
// for two leaks, and its count is both of theirs. They are of one detector, so
// that nothing is counted twice.
func partsOf(clues []*clue, i int) []int {
	c := clues[i]
	if len(c.PerCycle) == 0 || c.path != "" {
		return nil
	}
	parts := make(map[string][]int)
	for j, o := range clues {
		if o.Detector != c.Detector && len(o.PerCycle) == len(c.PerCycle) && related(c, o) {
			parts[o.Detector] = append(parts[o.Detector], j)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if list := parts[name]; len(list) > 1 && addUp(clues, list, c) {
			return list
		}
	}
	return nil
}

func addUp(clues []*clue, parts []int, c *clue) bool {
	for k, n := range c.PerCycle {
		for _, j := range parts {
			n -= clues[j].PerCycle[k]
		}
		if math.Abs(float64(n)) > c.noise {
			return false
		}
	}
	return true
}

// related is sameThing regardless of the scenario.
func related(a, b *clue) bool {
	x, y := *a, *b
	x.source, y.source = Attribution{}, Attribution{}
	return sameThing(&x, &y)
}

func sum(counts []int64) (total int64) {
	for _, n := range counts {
		total += n
	}
	return total
}
