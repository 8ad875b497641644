package heap

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// hints returns the roots that the caller named.
func (s *retainerSearch) hints(named map[string]any) ([]retainerRoot, error) {
	types := map[reflect.Type]int{}
	for _, root := range named {
		types[reflect.TypeOf(root)]++
	}
	var roots []retainerRoot
	for _, name := range slices.Sorted(maps.Keys(named)) {
		v := reflect.ValueOf(named[name])
		var typ heapType
		switch v.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func:
			typ = pointee(v.Type())
		}
		if typ.role == roleUnknown || v.IsNil() {
			return nil, notAPointer(name, named[name])
		}
		holder := typ.t.String()
		if types[v.Type()] > 1 || typ.t.Name() == "" {
			holder = name
		}
		addr := uint64(uintptr(DataOf(named[name])))
		m, ok := s.d.memory(addr)
		if !ok {
			continue // no pointers, as in a function that captures nothing
		}
		typ.base = int(addr - m.addr)
		r := retainerRoot{edge: verdict.Edge{Holder: holder}, kind: rootHint, region: m, typ: typ}
		if s.d.find(addr) < 0 { // one package variable of the segment
			r.low, r.region.size = typ.base, min(m.size, typ.base+int(typ.t.Size()))
		}
		roots = append(roots, r)
	}
	return roots, nil
}

func (s *retainerSearch) variables() []retainerRoot {
	var roots []retainerRoot
	for _, m := range s.d.segments {
		roots = append(roots, retainerRoot{kind: rootVariable, region: m})
	}
	return roots
}

// frames returns the stack frames of all goroutines. For the calling goroutine these begin with
// the caller of Retainers.
func (s *retainerSearch) frames() []retainerRoot { return s.framesAs(rootFrame) }

// framesByWord returns frames in which every word counts as a pointer, because the dump does not
// list variables whose address was taken. It leaves out the calling goroutine, whose stack has
// too many stale words.
func (s *retainerSearch) framesByWord() []retainerRoot { return s.framesAs(rootWords) }

func (s *retainerSearch) framesAs(kind rootKind) []retainerRoot {
	deferred := map[uint64][]uint64{}
	for _, d := range s.d.defers {
		deferred[d.goroutine] = append(deferred[d.goroutine], d.function)
	}
	var roots []retainerRoot
	for _, g := range s.d.goroutines {
		frames := withoutAskers(g.frames)
		if kind == rootWords && len(frames) < len(g.frames) {
			continue
		}
		for i, f := range frames {
			stack := frames[i:]
			if i > 0 && strings.Contains(f.function, ".gowrap") { // it only holds the arguments of its callee
				stack = frames[i-1:]
			}
			roots = append(roots, retainerRoot{kind: kind, region: f.heapRegion, goroutine: g.id, stack: stack})
		}
		if kind == rootWords || len(frames) == 0 {
			continue
		}
		for _, to := range append(deferred[g.addr], g.ctxt) {
			roots = append(roots, retainerRoot{kind: kind, to: to, goroutine: g.id, stack: frames})
		}
	}
	return roots
}

// withoutAskers removes the frames of Retainers and of the functions it calls.
func withoutAskers(frames []heapFrame) []heapFrame {
	for i := len(frames) - 1; i >= 0; i-- {
		if slices.Contains(own.askers, frames[i].function) {
			return frames[i+1:]
		}
	}
	return frames
}

// finalizersOf returns the finalizers and the objects that have one. The runtime keeps what they
// refer to until the finalizer has run.
func (s *retainerSearch) finalizersOf() []retainerRoot {
	var roots []retainerRoot
	for _, f := range s.d.finalizers {
		m, ok := s.d.memory(f.object)
		if !ok {
			continue
		}
		holder := "finalizer of " + holderName(s.types.of(s.d.find(f.object)), m)
		edge := verdict.Edge{Kind: verdict.FinalizerHolder, Holder: holder, Site: s.d.born(m)}
		roots = append(roots, retainerRoot{edge: edge, kind: rootFinalizer, region: m, typ: s.types.of(s.d.find(f.object))},
			retainerRoot{edge: edge, kind: rootFinalizer, to: f.function})
	}
	return roots
}

// markInner marks the objects of the scheduler, because a path through them explains nothing. A
// timer points to its processor, which points to all timers. A waiter on a channel points to
// its goroutine.
func (s *retainerSearch) markInner() {
	for i := range s.d.objects {
		s.inner[i] = s.types.isProcessor(i)
	}
	for _, m := range s.d.threads {
		if i := s.d.find(m); i >= 0 {
			s.inner[i] = true
		}
	}
	goroutines := map[uint64]bool{}
	for _, g := range s.d.goroutines {
		goroutines[g.addr] = true
		if i := s.d.find(g.addr); i >= 0 {
			s.inner[i] = true
		}
	}
	// A waiter (runtime.sudog) is in tables of the runtime and points to the channel of its goroutine.
	// It alone begins with a pointer to a goroutine. Where it was allocated may be unknown, because it
	// is used again: the first waiters are older than RecordAll.
	for i, m := range s.d.objects {
		if goroutines[s.d.word(m, 0)] && !s.inner[i] {
			s.inner[i] = true
			s.waiting = append(s.waiting, m)
		}
	}
}

// waiters returns the channels for which goroutines wait. A select statement has them in its frame
// where the dump does not list them.
func (s *retainerSearch) waiters() []retainerRoot {
	goroutines := map[uint64]*heapGoroutine{}
	for i := range s.d.goroutines {
		goroutines[s.d.goroutines[i].addr] = &s.d.goroutines[i]
	}
	var roots []retainerRoot
	for _, w := range s.waiting {
		var g *heapGoroutine
		for _, to := range s.d.pointers(w) {
			g = cmp.Or(g, goroutines[to])
		}
		if g == nil || len(withoutAskers(g.frames)) == 0 {
			continue
		}
		for _, to := range s.d.pointers(w) {
			roots = append(roots, retainerRoot{kind: rootFrame, to: to, goroutine: g.id, stack: withoutAskers(g.frames)})
		}
	}
	return roots
}

// processors returns the processors of the scheduler, which hold the timers.
func (s *retainerSearch) processors() []retainerRoot { return s.innerRoots(true) }

// scheduler returns the other objects of the scheduler.
func (s *retainerSearch) scheduler() []retainerRoot { return s.innerRoots(false) }

func (s *retainerSearch) innerRoots(processors bool) []retainerRoot {
	var roots []retainerRoot
	for i, inner := range s.inner {
		if inner && s.types.isProcessor(i) == processors {
			roots = append(roots, retainerRoot{kind: rootRuntime, region: s.d.objects[i], typ: s.types.of(i)})
		}
	}
	return roots
}

// cleanups returns the arguments of cleanups. The dump does not list these, but their allocating
// function is known.
func (s *retainerSearch) cleanups() []retainerRoot {
	of := s.d.bucketsOf("runtime.AddCleanup")
	var roots []retainerRoot
	for _, sample := range s.d.samples {
		if !of[sample.bucket] {
			continue
		}
		if i := s.d.find(sample.object); i >= 0 {
			m := s.d.objects[i]
			edge := verdict.Edge{Kind: verdict.RuntimeHolder, Holder: "argument of a cleanup", Site: s.d.born(m)}
			roots = append(roots, retainerRoot{edge: edge, kind: rootCleanup, region: m, typ: s.types.of(i)})
		}
	}
	return roots
}

// orphans returns the objects that were not reached and that no other such object points to:
// garbage, and arguments of cleanups whose allocating function is unknown.
func (s *retainerSearch) orphans() []retainerRoot {
	pointed := make([]bool, len(s.d.objects))
	for i, m := range s.d.objects {
		if s.steps[i].from != 0 {
			continue
		}
		for _, to := range s.d.pointers(m) {
			if k := s.d.find(to); k >= 0 && k != i {
				pointed[k] = true
			}
		}
	}
	var roots []retainerRoot
	for i, m := range s.d.objects {
		if s.steps[i].from != 0 || pointed[i] {
			continue
		}
		edge := verdict.Edge{Kind: verdict.NoHolder, Holder: "no root: perhaps the argument of a cleanup", Site: s.d.born(m)}
		roots = append(roots, retainerRoot{edge: edge, kind: rootNone, region: m, typ: s.types.of(i)})
	}
	return roots
}
