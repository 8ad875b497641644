package detect

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"
	"weak"

	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Watch finds objects that should be gone and are not. Whoever makes a session, a
// connection, a peer, adds it; when all have left, Settle tells three ends apart:
// collected, as it should be; retained; and, for what was added with Open,
// collected without ever having been closed. One among 100,000 is found, always.
//
//	w := detect.NewWatch()
//	w.Add(session, "rst/alice")
//	...
//	findings, err := w.Settle(ctx)
//
// A label is a scenario and a name in it, with a slash between; findings count by
// scenario and give names as examples. It may be a name alone.
//
// Add takes some 300 ns and 100 bytes, freed after the object was collected: it
// holds a weak pointer, never the object. An object that is kept by a finalizer
// that cannot run (one in a cycle) counts as retained, for it is.
//
// It sees what it is given, no more: Sites sees the rest. An object added twice
// counts twice. What a sync.Pool holds is gone after two collections, which Settle
// waits for. What a slice has beyond its length, or before its start after q =
// q[1:], is retained until the slice is made anew: Retainers says so where it is
// the case, and if the target means it, the finding is to be expected.
//
// To see descriptors that were forgotten, read Descriptors before: Settle collects,
// and the collector closes them.
//
// Its methods may be called concurrently, but Baseline, Cycle, Settle and Findings
// by one goroutine at a time.
type Watch struct {
	// Paths has Findings say by which path things are retained, from Roots
	// where they lead there, by a heap dump in Dir: see Retainers. Set them
	// before the first Findings.
	Paths bool
	Roots map[string]any
	Dir   string

	mu       sync.Mutex
	lives    []watchLife
	limit    int // of lives, before those that have ended are looked for
	kinds    []*watchKind
	byKind   map[watchKey]uint32
	stacks   [][]uintptr
	byStack  map[watchStack]uint32
	unclosed map[uintptr]*watchClosing
	cycles   uint32 // read so far
	based    bool
	retained []watchLife // at the last Settle
}

// watchLife is one object.
type watchLife struct {
	at      weak.Pointer[byte]
	label   string
	closing *watchClosing // of those that must be closed
	kind    uint32
	cycle   uint32
	born    uint32 // index of a stack and 1, of those that have one
}

// watchKind is all objects of a type from a scenario.
type watchKind struct {
	watchKey
	added    int64
	born     uint32   // a stack of one of them
	unclosed []int64  // collected and never closed, by cycle
	names    []string // some of those
}

type watchKey struct {
	t        reflect.Type
	scenario string
}

// watchClosing is one opening of an object, which all its lives share until it is closed.
type watchClosing struct {
	at     weak.Pointer[byte]
	addr   uintptr
	closed bool
}

type watchStack [12]uintptr

// NewWatch returns a Watch of nothing yet.
func NewWatch() *Watch {
	w := &Watch{}
	w.reset()
	return w
}

const watchLimit = 1 << 12

func (w *Watch) reset() {
	w.lives, w.limit, w.kinds, w.retained = nil, watchLimit, nil, nil
	w.byKind, w.byStack, w.unclosed = map[watchKey]uint32{}, map[watchStack]uint32{}, map[uintptr]*watchClosing{}
	w.stacks, w.cycles = nil, 0
}

// ErrNotWatchable is what errors about objects wrap that cannot be watched.
var ErrNotWatchable = errors.New("watch: not watchable")

// Add watches the object that a pointer points to: it is to be collected. The type
// may be an unexported one of another package. It must be on the heap, not in C's
// memory. Objects of less than 16 bytes without pointers are refused: the
// allocator puts several into one, which lives as long as any of them.
func (w *Watch) Add(pointer any, label string) error { return w.add(pointer, label, false) }

// Open watches an object as Add does, which is to be closed as well: Closed says
// that it was. One that is open already is closed by one Closed, however often it
// was opened; one that was closed and is opened again is to be closed again.
func (w *Watch) Open(pointer any, label string) error { return w.add(pointer, label, true) }

// Closed notes that an object given to Open was closed. It may be called more than
// once, and with what is not watched.
func (w *Watch) Closed(pointer any) {
	if t := reflect.TypeOf(pointer); t == nil || t.Kind() != reflect.Pointer {
		return
	}
	defer runtime.KeepAlive(pointer) // nobody else may have its place before we are done
	addr := uintptr(heap.DataOf(pointer))
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.openLocked(addr); c != nil {
		c.closed = true
		delete(w.unclosed, addr)
	}
}

// openLocked returns what is open of the object that lives at an address, nil if it is
// not. Who had the place before may be there still, collected and not swept.
func (w *Watch) openLocked(addr uintptr) *watchClosing {
	c := w.unclosed[addr]
	if c == nil || c.at.Value() == nil {
		return nil
	}
	return c
}

func (w *Watch) add(pointer any, label string, closing bool) error {
	t := reflect.TypeOf(pointer)
	if t == nil || t.Kind() != reflect.Pointer {
		return fmt.Errorf("%w: a %T is no pointer", ErrNotWatchable, pointer)
	}
	p := heap.DataOf(pointer)
	if p == nil {
		return fmt.Errorf("%w: a nil %T", ErrNotWatchable, pointer)
	}
	if e := t.Elem(); e.Size() < 16 && !hasPointers(e) {
		return fmt.Errorf("%w: a %s is of %d bytes without a pointer, and shares its place with others", ErrNotWatchable, e, e.Size())
	}
	// The first byte stands for the object: a weak pointer needs no more of its type.
	life := watchLife{at: weak.Make((*byte)(p)), label: label}
	scenario, _, ok := strings.Cut(label, "/")
	if !ok {
		scenario = ""
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	life.kind, life.cycle = w.kindLocked(watchKey{t, scenario}), w.cycles
	kind := w.kinds[life.kind]
	if kind.added%64 == 0 {
		life.born = w.stackLocked()
		kind.born = life.born
	}
	kind.added++
	if closing {
		life.closing = w.openLocked(uintptr(p))
		if life.closing == nil {
			life.closing = &watchClosing{at: life.at, addr: uintptr(p)}
			w.unclosed[uintptr(p)] = life.closing
		}
	}
	if len(w.lives) >= w.limit {
		w.sweepLocked()
		w.limit = max(watchLimit, 2*len(w.lives))
	}
	w.lives = append(w.lives, life)
	runtime.KeepAlive(pointer) // nobody else may have had its place before
	return nil
}

// hasPointers reports whether the collector looks into values of a type.
func hasPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Len() > 0 && hasPointers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if hasPointers(t.Field(i).Type) {
				return true
			}
		}
		return false
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.Interface, reflect.Slice, reflect.String, reflect.UnsafePointer:
		return true
	}
	return false
}

func (w *Watch) kindLocked(k watchKey) uint32 {
	i, ok := w.byKind[k]
	if !ok {
		k.scenario = strings.Clone(k.scenario)
		i = uint32(len(w.kinds))
		w.byKind[k] = i
		w.kinds = append(w.kinds, &watchKind{watchKey: k})
	}
	return i
}

// stackLocked returns the number of the stack that calls Add.
func (w *Watch) stackLocked() uint32 {
	var pcs watchStack
	n := runtime.Callers(4, pcs[:]) // Callers, stackLocked, add, Add
	i, ok := w.byStack[pcs]
	if !ok {
		w.stacks = append(w.stacks, append([]uintptr(nil), pcs[:n]...))
		i = uint32(len(w.stacks))
		w.byStack[pcs] = i
	}
	return i
}

// sweepLocked lets go of what was collected.
func (w *Watch) sweepLocked() {
	kept := w.lives[:0]
	for _, l := range w.lives {
		if l.alive() {
			kept = append(kept, l)
		} else {
			w.endLocked(l)
		}
	}
	clear(w.lives[len(kept):])
	w.lives = kept
}

// alive reports whether the object is there. It is a function of its own so that
// no frame keeps the pointer.
//
//go:noinline
func (l *watchLife) alive() bool { return l.at.Value() != nil }

const watchNames = 5

// endLocked notes the end of an object that was collected.
func (w *Watch) endLocked(l watchLife) {
	c := l.closing
	if c == nil || c.closed {
		return
	}
	if w.unclosed[c.addr] == c { // and not somebody who has its place now
		delete(w.unclosed, c.addr)
	}
	k := w.kinds[l.kind]
	for len(k.unclosed) <= int(l.cycle) {
		k.unclosed = append(k.unclosed, 0)
	}
	k.unclosed[l.cycle]++
	if len(k.names) < watchNames {
		k.names = append(k.names, l.label)
	}
}

// watchLongest bounds how long Settle looks on while things still go.
const watchLongest = 10 * time.Second

// Settle collects until nothing is left or as much as before, and returns a
// finding for each type that is retained, or was never closed, with its count by
// scenario. It waits for the collector and for finalizers, a fraction of a second
// after the last change, not for the target: that should be at rest. When ctx ends
// first, the error says so and there are no findings.
func (w *Watch) Settle(ctx context.Context) ([]verdict.Finding, error) {
	// The runtime may hold what a stopped timer refers to: collect has it forget them.
	if err := heap.Collect(ctx); err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	// Each look is a collection: what three of them leave is held.
	err := settle.FlatAfter(ctx, watchLongest, 4, func() (int64, error) {
		runtime.GC()
		if err := heap.AwaitFinalizers(ctx); err != nil {
			return 0, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sweepLocked()
		return int64(len(w.lives)), nil
	})
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retained = append([]watchLife(nil), w.lives...)
	return w.findingsLocked(nil), nil
}
