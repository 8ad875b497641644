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

// Footprint measures the memory of a connected peer, and the memory that stays after the
// largest crowd so far has left. What it is for is in the package documentation.
//
// It needs RecordAll. It leaves out memory that the runtime keeps for its own peak, such as
// goroutine descriptors and free lists, and allocations below functions of the harness, such
// as pipes and peers. It does not know which cost is too high: FootprintLimits come from a
// measurement of the correct program.
type Footprint struct {
	// Ignore reports whether an allocation belongs to gather and not to the target. The stack
	// begins with the innermost frame outside of the runtime.
	Ignore func(stack []verdict.Site) bool
	// Settled waits until the target has released the peers that left; nil if it does so at
	// once.
	Settled func(ctx context.Context) error

	// Results of Measure.
	Peers int
	Held  Cost // of an idle peer
	Left  Cost // that stays of a peer

	stacks map[[32]uintptr]*heap.Site // nil for a site that does not count
	before *footprintReading
}

// Cost is the memory of one peer in bytes.
type Cost struct {
	Heap  float64    // of all lines
	Stack float64    // of goroutines
	Lines []CostLine // the most bytes first
}

// CostLine is the memory of one line of the program for one peer.
type CostLine struct {
	Born           verdict.Site
	Bytes, Objects float64
	By             string // the function that allocates, if the line calls it or it waits for the line
}

// warmUps is the number of crowds, of a tenth of the peers, before the large one.
const warmUps = 3

// Measure calls gather to bring n peers and leave to have them go. It reads the process
// before, between and after. gather must return when the target has handled all messages of
// its peers. Measure calls it several times: small crowds fill caches first.
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
	if f.before, err = f.read(ctx); err != nil {
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
	f.Peers, f.Held = n, during.since(f.before, n)
	if err = cmp.Or(f.ReadLeft(ctx), heap.NoGapSince(gaps)); err != nil {
		return err
	}
	runtime.KeepAlive(gather) // and the target
	return nil
}

// ReadLeft reads once more what stays of the peers, because a target may let go late.
func (f *Footprint) ReadLeft(ctx context.Context) error {
	after, err := f.read(ctx)
	if err == nil {
		f.Left = after.since(f.before, f.Peers)
	}
	return err
}

// dismiss lets a crowd go and waits until the target has released it.
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
	waiting map[string]heldGoroutine // by entry function
}

// heldGoroutine is the line at which goroutines of one entry function are in the project's
// code.
type heldGoroutine struct {
	count int64
	at    verdict.Site
}

// read collects and reads.
func (f *Footprint) read(ctx context.Context) (*footprintReading, error) {
	if _, err := heap.Gaps(); err != nil {
		return nil, err
	}
	// A crowd stops many timers, and pipes leave more that wait. The runtime forgets stopped
	// timers only if they are a large part of all.
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

// site returns the site of a stack, nil if it does not count. Maps count, because a peak
// leaves their tables.
func (f *Footprint) site(pcs []uintptr) *heap.Site {
	inner, frames := heap.SplitStack(pcs)
	isOwn := func(fr verdict.Site) bool {
		return stack.IsInstrument(fr.Function) && fr.Function != own.measure
	}
	if len(frames) == 0 || slices.ContainsFunc(inner, heap.IsBenignRuntime) || heap.IsBenignLibrary(frames) ||
		slices.ContainsFunc(frames, isOwn) || f.Ignore != nil && f.Ignore(frames) {
		return nil
	}
	return &heap.Site{Born: frames[stack.ProjectFrame(frames)], Stack: frames}
}

// waitingGoroutines returns the goroutines that a library started and that are in the
// project's code now. Until they return, the library keeps what it has allocated for them.
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
