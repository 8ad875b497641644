package heap

import (
	"context"
	"fmt"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// retainerSearch finds the shortest path to each object, breadth first. It takes one kind of
// root after another, the most informative first.
type retainerSearch struct {
	ctx     context.Context
	d       *heapDump
	types   *heapTypes
	symbols *heapSymbols
	roots   []retainerRoot
	steps   []retainerStep // by object: how it was reached
	inner   []bool         // by object: it belongs to the scheduler, see markInner
	waiting []heapRegion   // the waiters of goroutines, see waiters
	queue   []int32
	named   map[int]retainerName // by object: the edges of the path to it
}

// retainerRoot is the beginning of paths: a region with pointers, or one pointer.
type retainerRoot struct {
	edge      verdict.Edge
	kind      rootKind
	region    heapRegion
	low       int // pointers before this offset do not count
	typ       heapType
	to        uint64      // the pointer, if there is no region
	goroutine uint64      // of the frame
	stack     []heapFrame // the frame and its callers
}

type rootKind int

const (
	rootHint      rootKind = iota // a root that the caller named
	rootVariable                  // a segment of package variables
	rootFrame                     // the pointers in a stack frame
	rootWords                     // all words of a stack frame: see framesByWord
	rootFinalizer                 // an object with a finalizer, or the finalizer
	rootRuntime                   // an object of the scheduler
	rootCleanup                   // the argument of a cleanup
	rootNone                      // an object that nothing points to
)

// retainerStep is the pointer by which an object was reached.
type retainerStep struct {
	from int32  // index + 1 of the object with the pointer, or -index - 1 of the root; 0 for not reached
	via  uint32 // offset of the pointer
}

// viaSelf marks an object that is the region of a root.
const viaSelf = ^uint32(0)

func newRetainerSearch(ctx context.Context, d *heapDump, roots map[string]any, objects []Object, addrs []uint64) (*retainerSearch, error) {
	s := &retainerSearch{
		ctx: ctx, d: d, steps: make([]retainerStep, len(d.objects)), inner: make([]bool, len(d.objects)),
		named: map[int]retainerName{},
	}
	s.symbols = newHeapSymbols(d)
	s.types = newHeapTypes(d, s.symbols)
	hints, err := s.hints(roots)
	if err != nil {
		return nil, err
	}
	for _, h := range hints {
		s.types.seed(h.region, h.typ)
	}
	for i, o := range objects {
		s.types.seedAt(addrs[i], o.Type)
	}
	s.types.spread(ctx)
	s.markInner()
	wanted := func() bool { return s.wanted(addrs) }
	for _, phase := range []func() []retainerRoot{
		func() []retainerRoot { return hints }, s.variables, s.frames, s.waiters, s.finalizersOf, s.processors, s.scheduler, s.cleanups, s.framesByWord, s.orphans,
	} {
		if !wanted() || ctx.Err() != nil {
			break
		}
		s.from(phase())
	}
	return s, ctx.Err()
}

// wanted reports whether one of the objects has not been reached yet.
func (s *retainerSearch) wanted(addrs []uint64) bool {
	for _, a := range addrs {
		if i := s.d.find(a); a != 0 && i >= 0 && s.steps[i].from == 0 {
			return true
		}
	}
	return false
}

// from reaches all objects that the roots lead to.
func (s *retainerSearch) from(roots []retainerRoot) {
	for _, r := range roots {
		s.roots = append(s.roots, r)
		id := -int32(len(s.roots))
		if r.kind == rootHint || r.kind >= rootFinalizer && r.to == 0 {
			if i := s.d.find(r.region.addr); i >= 0 && s.steps[i].from == 0 {
				s.steps[i] = retainerStep{id, viaSelf}
			}
		}
		if r.to != 0 {
			s.reach(r.to, retainerStep{id, 0})
		}
		if r.kind == rootWords {
			for off := 0; off+8 <= r.region.size; off += 8 {
				s.reach(s.d.word(r.region, off), retainerStep{id, uint32(off)})
			}
			continue
		}
		for off, to := range s.d.pointers(r.region) {
			if off >= r.low {
				s.reach(to, retainerStep{id, uint32(off)})
			}
		}
	}
	for n := 0; n < len(s.queue); n++ {
		if n&0xfff == 0 && s.ctx.Err() != nil {
			return
		}
		i := s.queue[n]
		for off, to := range s.d.pointers(s.d.objects[i]) {
			s.reach(to, retainerStep{i + 1, uint32(off)})
		}
	}
	s.queue = s.queue[:0]
}

func (s *retainerSearch) reach(addr uint64, by retainerStep) {
	i := s.d.find(addr)
	if i < 0 || s.steps[i].from != 0 || s.inner[i] {
		return
	}
	s.steps[i] = by
	s.queue = append(s.queue, int32(i))
}

// path returns the root and the hops that lead from it to an object. It returns false if no root
// leads there. If until is set, the path begins, without a root, one hop before the last object
// for which until is true.
func (s *retainerSearch) path(object int, until func(object int) bool) (root *retainerRoot, hops []retainerHop, ok bool) {
	last := false
	for range len(s.steps) + 1 {
		step := s.steps[object]
		switch {
		case step.from == 0:
			return nil, nil, false
		case step.from < 0:
			root = &s.roots[-step.from-1]
			if step.via != viaSelf {
				hops = append(hops, retainerHop{root.region, -1, int(step.via)})
			}
			slices.Reverse(hops)
			return root, hops, true
		}
		object = int(step.from - 1)
		hops = append(hops, retainerHop{s.d.objects[object], object, int(step.via)})
		if last {
			slices.Reverse(hops)
			return nil, hops, true
		}
		last = until != nil && until(object)
	}
	return nil, nil, false
}

// retainerHop is a pointer on a path: its region, the object of that region or -1 for a root,
// and its offset.
type retainerHop struct {
	region heapRegion
	object int
	off    int
}

// retainers returns the path to each address, none for 0.
func (s *retainerSearch) retainers(addrs []uint64) []Retainer {
	found := make([]Retainer, len(addrs))
	for i, a := range addrs {
		if a == 0 {
			continue
		}
		object := s.d.find(a)
		if object < 0 {
			found[i].Path = []verdict.Edge{s.variable(a)}
			continue
		}
		if root, hops, ok := s.path(object, s.isNamed); ok {
			found[i] = s.name(root, hops)
			if found[i].Stored.Function == own.stopTimers {
				found[i].Stored = verdict.Site{} // timerFlusher grew the runtime's heap of timers
			}
		} else {
			found[i].Path = []verdict.Edge{{Kind: verdict.NoHolder, Holder: "no root: a cycle that only itself, or a cleanup, holds"}}
		}
		found[i].Born = s.d.born(s.d.objects[object])
	}
	return found
}

// notAPointer returns the error for a root of a wrong kind.
func notAPointer(name string, root any) error {
	return fmt.Errorf("root %q is a %T, want a pointer, map, channel or function", name, root)
}
