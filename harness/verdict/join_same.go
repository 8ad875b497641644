package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// sameThing reports whether both name the same path, collection, line or type.
func sameThing(a, b *candidate) bool {
	if sameHolder(a, b) {
		return true
	}
	if contradict(a, b) {
		return false
	}
	switch {
	case a.field != "" && a.field == b.field,
		samePlace(a.Born, b.Born) && !distinguishes(a, b),
		a.passes(b.Born), b.passes(a.Born),
		a.madeForCaller(b), b.madeForCaller(a):
		return true
	}
	return a.Type == b.Type && namesAThing(a.Type)
}

// contradict reports whether two candidates come from different scenarios or are retained
// by different paths.
func contradict(a, b *candidate) bool {
	if a.source.certain() && b.source.certain() && !sameSource(a.source, b.source) {
		return true
	}
	return a.path != "" && b.path != "" && !samePath(a, b)
}

// sameHolder reports whether one thing holds both, or one of them holds the other. That
// joins them even if their scenarios disagree.
func sameHolder(a, b *candidate) bool {
	return samePath(a, b) || sameFrame(a, b) || sameInsert(a, b) ||
		a.heldByGoroutine(b) || b.heldByGoroutine(a) ||
		a.madeByGoroutine(b) || b.madeByGoroutine(a) ||
		within(a.path, b.field) || within(b.path, a.field) ||
		a.hangsOn(b) || b.hangsOn(a) ||
		a.sameChain(b) || b.sameChain(a)
}

// samePath reports whether both are held by the same path, or one by what the path of the
// other leads to.
func samePath(a, b *candidate) bool {
	if a.path == "" || b.path == "" {
		return false
	}
	return a.path == b.path && a.Type == b.Type || a.holds(b) || b.holds(a)
}

// holds reports whether the path of o continues the path of c.
func (c *candidate) holds(o *candidate) bool {
	return len(o.path) > len(c.path) && c.Path[len(c.Path)-1].Field != "" && within(o.path, c.path)
}

// heldByGoroutine reports whether c's path begins in a frame of the goroutines that o
// reports as leaked. What such a frame holds is no leak of its own.
func (c *candidate) heldByGoroutine(o *candidate) bool {
	f := c.frame()
	return f != "" && o.Class == Goroutine && strings.Contains(o.Detail+"\n", f)
}

// madeByGoroutine reports whether c was allocated in a line where the goroutines of o are
// blocked, and each cycle has as many of one as of the other: the channel that each of them
// waits for, for example. The scenario that c's counts alone suggest may be a coincidence
// then; the goroutine's is better.
func (c *candidate) madeByGoroutine(o *candidate) bool {
	if o.Class != Goroutine || c.Born.Line == 0 || len(c.PerCycle) < 2 || !slices.Equal(c.PerCycle, o.PerCycle) {
		return false
	}
	return strings.Contains(o.Detail+"\n", fmt.Sprintf("%s:%d %s\n", c.Born.File, c.Born.Line, c.Born.Function))
}

// madeForCaller reports whether c was allocated by the function that allocates o, or by one that it
// calls, and both grow in proportion: the function retains what it made and what it called for.
func (c *candidate) madeForCaller(o *candidate) bool {
	caller := o.Born.Function
	return caller != "" && (caller == c.Born.Function || caller == c.caller()) && proportional(c, o)
}

// caller returns the function that called the one that allocated c, "" if the detail has no stack.
func (c *candidate) caller() string {
	_, rest, _ := strings.Cut(c.Detail+"\n", " "+c.Born.Function+"\n")
	frame, _, _ := strings.Cut(rest, "\n")
	return frame[strings.LastIndexByte(frame, ' ')+1:]
}

// hangsOn reports whether an object that was allocated where o was holds c, and c grew no more than
// o in any cycle. The objects at rest of that line hold such things, too, so the path of c may lead
// through one of them.
func (c *candidate) hangsOn(o *candidate) bool {
	if len(c.Path) == 0 || len(c.PerCycle) == 0 || len(c.PerCycle) != len(o.PerCycle) {
		return false
	}
	if holder := c.Path[len(c.Path)-1]; !samePlace(holder.Site, o.Born) {
		return false
	}
	for k, n := range c.PerCycle {
		if n > o.PerCycle[k] {
			return false
		}
	}
	return !c.source.certain() || !o.source.certain() || sameSource(c.source, o.source)
}

// sameInsert reports whether one line put both where they are, as many of one as of the other in
// each cycle. The collection that the line grows may be reached by several paths.
func sameInsert(a, b *candidate) bool {
	return samePlace(a.Stored, b.Stored) && len(a.PerCycle) > 1 && slices.Equal(a.PerCycle, b.PerCycle)
}

// sameFrame reports whether both are held by goroutines in the same function, or by timers
// that will call the same function.
func sameFrame(a, b *candidate) bool { return a.frame() != "" && a.frame() == b.frame() }

// frame returns Frame of the path.
func (c *candidate) frame() string { return Frame(c.Path) }

// Frame returns what a retaining path begins in: the function of a goroutine's frame, the function
// that a timer will call, or a finalizer. It returns "" for any other beginning.
func Frame(path []Edge) string {
	if len(path) == 0 {
		return ""
	}
	switch root := path[0]; root.Kind {
	case GoroutineHolder:
		return ShortName(root.Site.Function)
	case FinalizerHolder:
		// One detector knows the type of the object, another only its size.
		return "finalizer of " + cmp.Or(root.Site.Place(), root.Holder)
	case TimersHolder:
		i := slices.IndexFunc(path, func(e Edge) bool { return e.Kind == FunctionHolder })
		if i > 0 {
			return ShortName(path[i].Site.Function)
		}
	}
	return ""
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

// distinguishes reports whether one detector found two different types at one line.
func distinguishes(a, b *candidate) bool {
	return a.Detector == b.Detector && a.Type != b.Type && namesAThing(a.Type) && namesAThing(b.Type)
}

// passes reports whether the site is where the thing was stored, or where a holder on its
// path was allocated.
func (c *candidate) passes(s Site) bool {
	if samePlace(c.Stored, s) {
		return true
	}
	return slices.ContainsFunc(c.Path, func(e Edge) bool { return samePlace(e.Site, s) })
}

// namesAThing reports whether a type distinguishes one leak from another. []uint8 does not: any
// leak may hold one.
func namesAThing(typ string) bool {
	return strings.Contains(typ, ".") && !strings.HasPrefix(strings.TrimLeft(typ, "*"), "[") && !strings.HasPrefix(typ, "map[")
}
