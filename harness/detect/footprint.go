package detect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Footprint measures what a peer costs while it is there, and what of a crowd
// stays that was larger than any before. It is for leaks that a comparison before
// and after many lives cannot see: those that are gone with the peer (a short
// string that keeps the whole message it was cut from, a handler that does not
// return and keeps what its server allocated for the request, a buffer at the size
// of its largest message), and those that a peak leaves and that grow no more (a
// map, what lies beyond the length of a slice, the array behind q = q[1:]).
//
// Whether a cost is too high it cannot know: that is for the limits, which are
// measured on the program when it is right. It needs RecordAll. Of the heap it
// leaves out what the runtime keeps for its own peak (descriptors of goroutines,
// its free lists) and what was allocated under a function of this package, such as
// pipes and peers.
type Footprint struct {
	// Ignore says of an allocation that it is the test's and not the target's: what
	// gather itself needs for each peer. The stack begins with the innermost frame
	// that is not the runtime's.
	Ignore func(stack []verdict.Site) bool
	// Settled waits until the target has let go of peers that have left; nil if it
	// has at once.
	Settled func(ctx context.Context) error

	// What Measure found.
	Peers int
	Held  Cost // of a peer while it idles
	Left  Cost // of what stays of a peer

	stacks map[[32]uintptr]*heap.Site // nil for what does not count
}

// Cost is in bytes for each peer.
type Cost struct {
	Heap  float64    // of all lines
	Stack float64    // of goroutines
	Lines []CostLine // the dearest first
}

// CostLine is what one line of the program costs for each peer.
type CostLine struct {
	Born           verdict.Site
	Bytes, Objects float64
	By             string // the function that allocated, where the line waits for it or calls it
}

// warmUps is how many crowds of a tenth come before the large one.
const warmUps = 3

// Measure has gather bring n peers and leave have them go, and reads the process
// before, between and after. Gather returns when the target has handled all that
// its peers sent. It is called several times: small crowds warm the target up, so
// that what fills up with a few peers is full.
func (f *Footprint) Measure(ctx context.Context, gather func(ctx context.Context, n int) (leave func(), err error), n int) error {
	if n < 1 {
		return errors.New("footprint: no peers")
	}
	f.stacks = map[[32]uintptr]*heap.Site{}
	for range warmUps {
		leave, err := gather(ctx, max(1, n/10))
		if err = errors.Join(err, f.dismiss(ctx, leave)); err != nil {
			return fmt.Errorf("footprint: warm-up: %w", err)
		}
	}
	gaps, err := heap.Gaps()
	if err != nil {
		return err
	}
	before, err := f.read(ctx)
	if err != nil {
		return err
	}
	leave, err := gather(ctx, n)
	if err != nil {
		return fmt.Errorf("footprint: %w", errors.Join(err, f.dismiss(ctx, leave)))
	}
	during, err := f.read(ctx)
	if err = errors.Join(err, f.dismiss(ctx, leave)); err != nil {
		return fmt.Errorf("footprint: %w", err)
	}
	after, err := f.read(ctx)
	if err = cmp.Or(err, heap.NoGapSince(gaps)); err != nil {
		return err
	}
	runtime.KeepAlive(gather) // and with it the target
	f.Peers = n
	f.Held, f.Left = during.since(before, n), after.since(before, n)
	return nil
}

// dismiss has a crowd go and waits until the target has noticed.
func (f *Footprint) dismiss(ctx context.Context, leave func()) error {
	if leave != nil {
		leave()
	}
	if f.Settled == nil {
		return nil
	}
	return f.Settled(ctx)
}

// footprintReading is the process at one moment.
type footprintReading struct {
	sites   map[*heap.Site]heap.Count
	stack   uint64
	waiting map[string]heldGoroutine // by the function they were started with
}

// heldGoroutine is where goroutines that one function began went into our code.
type heldGoroutine struct {
	count int64
	at    verdict.Site
}

// read collects and reads.
func (f *Footprint) read(ctx context.Context) (*footprintReading, error) {
	if _, err := heap.Gaps(); err != nil {
		return nil, err
	}
	// A crowd has stopped many timers, and a pipe leaves more that wait: it takes many
	// to have the runtime forget those.
	heap.FlushTimers(ctx)
	if err := NewReading(0).Collect(ctx); err != nil {
		return nil, fmt.Errorf("footprint: %w", err)
	}
	r := &footprintReading{sites: map[*heap.Site]heap.Count{}, stack: heap.Metric("/memory/classes/heap/stacks:bytes")}
	for _, rec := range heap.Records(false) {
		site, known := f.stacks[rec.Stack0]
		if !known {
			site = f.site(rec.Stack())
			f.stacks[rec.Stack0] = site
		}
		if site != nil {
			c := r.sites[site]
			c.Objects, c.Bytes = c.Objects+rec.InUseObjects(), c.Bytes+rec.InUseBytes()
			r.sites[site] = c
		}
	}
	var err error
	r.waiting, err = waitingGoroutines()
	return r, err
}

// site is siteOf for all that a peer may cost: maps count, too, for they are what a
// peak leaves.
func (f *Footprint) site(pcs []uintptr) *heap.Site {
	inner, frames := heap.SplitStack(pcs)
	ours := func(fr verdict.Site) bool {
		return stack.IsInstrument(fr.Function) && fr.Function != own.measure
	}
	if len(frames) == 0 || slices.ContainsFunc(inner, heap.IsBenignRuntime) || heap.IsBenignLibrary(frames) ||
		slices.ContainsFunc(frames, ours) || f.Ignore != nil && f.Ignore(frames) {
		return nil
	}
	return &heap.Site{Born: frames[stack.ProjectFrame(frames)], Stack: frames}
}

// waitingGoroutines returns the goroutines that a library started and that are in
// the project's code now. While they are, the library keeps what it has allocated
// for them.
func waitingGoroutines() (map[string]heldGoroutine, error) {
	groups, err := new(goroutineReader).read()
	if err != nil {
		return nil, err
	}
	waiting := map[string]heldGoroutine{}
	for _, g := range groups {
		entry := entryOf(g.frames)
		for _, at := range slices.Backward(g.frames) {
			if !stack.IsStandard(at) && !stack.IsDependency(at) && at.Function != entry && !stack.IsInstrument(at.Function) {
				w := waiting[entry]
				waiting[entry] = heldGoroutine{w.count + g.count, at}
				break
			}
		}
	}
	return waiting, nil
}
