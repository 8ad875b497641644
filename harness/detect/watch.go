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

// Watch finds added objects that are still alive when they should have been collected, and
// opened ones that were collected but never closed. It finds one among 100,000. Its costs and
// limits are in the package documentation.
//
//	w := detect.NewWatch()
//	w.Add(session, "rst/alice")
//	...
//	findings, err := w.Settle(ctx)
//
// A label is a scenario and a name in it, separated by a slash, or a name alone. Findings
// count by scenario and list names as examples.
//
// The methods may be called concurrently, but Baseline, Cycle, Settle and Findings by one
// goroutine at a time.
type Watch struct {
	// Paths makes Findings report by which path objects are retained, from Roots if these
	// lead to them. It takes a heap dump in Dir: see heap.Retainers. Set the three before
	// the first Findings.
	Paths bool
	Roots map[string]any
	Dir   string

	mu       sync.Mutex
	lives    []watchLife
	limit    int // of lives, beyond which add drops those that have ended
	kinds    []*watchKind
	byKind   map[watchKey]uint32
	stacks   [][]uintptr
	byStack  map[watchStack]uint32
	unclosed map[uintptr]*watchClosing
	cycles   uint32 // read so far
	based    bool
	retained []watchLife // at the last Settle
}

// NewWatch returns an empty Watch.
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

// ErrNotWatchable is the cause of errors about objects that cannot be watched.
var ErrNotWatchable = errors.New("watch: not watchable")

// Add watches the object that a pointer points to, which must be collected in the end. The
// object must be in the Go heap. Add refuses objects of less than 16 bytes without pointers,
// because the allocator puts several into one block, which lives as long as any of them.
func (w *Watch) Add(pointer any, label string) error { return w.add(pointer, label, false) }

// Open watches an object as Add does. The object must also be closed, see Closed. One call of
// Closed suffices for an object that was opened several times. An object that is opened after
// Closed must be closed again.
func (w *Watch) Open(pointer any, label string) error { return w.add(pointer, label, true) }

// Closed records that an object given to Open was closed. Further calls, and calls with other
// objects, do nothing.
func (w *Watch) Closed(pointer any) {
	if t := reflect.TypeOf(pointer); t == nil || t.Kind() != reflect.Pointer {
		return
	}
	defer runtime.KeepAlive(pointer) // its address must not be reused before this returns
	addr := uintptr(heap.DataOf(pointer))
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.openLocked(addr); c != nil {
		c.closed = true
		delete(w.unclosed, addr)
	}
}

// openLocked returns the opening of the live object at an address, nil if there is none. An
// object that had the address before may be in the table still, collected but not swept.
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
		return fmt.Errorf("%w: %T is not a pointer type", ErrNotWatchable, pointer)
	}
	p := heap.DataOf(pointer)
	if p == nil {
		return fmt.Errorf("%w: nil %T", ErrNotWatchable, pointer)
	}
	if e := t.Elem(); e.Size() < 16 && !hasPointers(e) {
		return fmt.Errorf("%w: %s has %d bytes without a pointer and shares its block with other objects", ErrNotWatchable, e, e.Size())
	}
	// The first byte stands for the object, because a weak pointer does not need its type.
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
	runtime.KeepAlive(pointer) // its address must not have been reused until here
	return nil
}

// hasPointers reports whether values of a type contain pointers.
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

// watchLongest bounds how long Settle waits while objects are still being collected.
const watchLongest = 10 * time.Second

// Settle collects until no object is left or their number no longer changes. It returns a
// finding for each type with retained objects, or with objects that were never closed, with
// the count by scenario. It waits for the GC and for finalizers, not for the target, which
// should be at rest. It returns an error if ctx ends first.
func (w *Watch) Settle(ctx context.Context) ([]verdict.Finding, error) {
	if done, err := w.collectOnce(ctx); err != nil || done {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.retained = nil
		return w.findingsLocked(nil), err
	}
	// The runtime may hold stopped timers and the objects that they refer to. Collect makes it
	// forget them.
	if err := heap.Collect(ctx); err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	// Each look is a GC. Objects that stay for three of them are retained.
	err := settle.FlatAfter(ctx, watchLongest, 4, func() (int64, error) {
		runtime.GC()
		if err := heap.AwaitFinalizers(ctx); err != nil {
			return 0, err
		}
		return w.left(), nil
	})
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retained = append([]watchLife(nil), w.lives...)
	return w.findingsLocked(nil), nil
}

// collectOnce forces at most one collection, none if no object is left. It reports whether that
// sufficed.
func (w *Watch) collectOnce(ctx context.Context) (done bool, err error) {
	if w.left() == 0 {
		return true, nil
	}
	runtime.GC()
	if err := heap.AwaitFinalizers(ctx); err != nil {
		return false, fmt.Errorf("watch: %w", err)
	}
	return w.left() == 0, nil
}

// left returns how many objects have not been collected.
func (w *Watch) left() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sweepLocked()
	return int64(len(w.lives))
}
