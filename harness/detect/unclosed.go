package detect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect/internal/planted"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Unclosed finds connections, listeners and files that the GC freed but that the program never
// closed. It counts the finalizers that ran: those of net and os.File run only if Close was
// not called. Its limits are in the package documentation.
//
// The zero value is ready to use.
type Unclosed struct {
	// Accepted watches the listener of the target, if set.
	Accepted *Accepted
	// Label returns the scenario of a connection by its remote address and the time of its
	// accept, "" if it is unknown.
	Label func(address string, accepted time.Time) string

	counts    []uint64        // finalizers run by the baseline and by each cycle
	heaps     []*heap.Profile // at the same moments; nil if blind
	blind     error           // why the heaps cannot be compared; nil if they can
	forgotten []acceptedFrom  // since the baseline
}

// Name implements Detector.
func (u *Unclosed) Name() string { return "unclosed" }

// Unit implements Detector.
func (u *Unclosed) Unit() string { return "object" }

// Noise implements Detector.
func (u *Unclosed) Noise() float64 { return 0 }

// Plant implements Controlled with a file that is forgotten in the last cycle. Is goes by the
// counts, because a finding does not name the file.
func (u *Unclosed) Plant(func(context.Context) (func(), error)) Plant {
	return Plant{
		Grow: func(_ int64, last bool) (err error) {
			if last {
				_, err = planted.File()
			}
			return err
		},
		Is: func(f verdict.Finding) bool {
			n := len(f.PerCycle)
			return f.Class == verdict.Unclosed && n > 1 && f.PerCycle[n-1] > f.PerCycle[0]
		},
	}
}

// Attribute implements Attributed.
func (u *Unclosed) Attribute(a Attribution) { u.Accepted, u.Label = a.Accepted, a.Label }

// Baseline collects, so that connections forgotten before it do not count.
func (u *Unclosed) Baseline(ctx context.Context, r *Reading) error {
	u.counts, u.heaps, u.blind = nil, nil, nil
	err := u.read(ctx, r)
	u.forgotten = nil
	return err
}

// Cycle collects and counts the finalizers that ran since.
func (u *Unclosed) Cycle(ctx context.Context, r *Reading) error {
	if len(u.counts) == 0 {
		return ErrNoBaseline
	}
	return u.read(ctx, r)
}

func (u *Unclosed) read(ctx context.Context, r *Reading) error {
	if err := r.Collect(ctx); err != nil {
		return err
	}
	u.counts = append(u.counts, heap.Metric("/gc/finalizers/executed:finalizers"))
	if err := u.readHeap(ctx, r); err != nil {
		return err
	}
	u.forgotten = append(u.forgotten, u.Accepted.takeForgotten()...)
	return nil
}

// readHeap reads the heap profile, which shows where they may have been opened. The count
// does not depend on it.
func (u *Unclosed) readHeap(ctx context.Context, r *Reading) error {
	profile, err := r.heapProfile(ctx)
	if err == nil && u.blind == nil && len(u.heaps) > 0 {
		err = profile.Since(u.heaps[0])
	}
	if errors.Is(err, heap.ErrNotExact) || errors.Is(err, heap.ErrGap) || errors.Is(err, heap.ErrUntriedRuntime) {
		u.blind, err = cmp.Or(u.blind, err), nil
	}
	u.heaps = append(u.heaps, profile)
	return err
}

// Findings returns a finding if finalizers ran since the baseline.
func (u *Unclosed) Findings(context.Context) ([]verdict.Finding, error) {
	switch len(u.counts) {
	case 0:
		return nil, ErrNoBaseline
	case 1:
		return nil, ErrNoCycle
	}
	f := verdict.Finding{Detector: u.Name(), Class: verdict.Unclosed}
	for i := 1; i < len(u.counts); i++ {
		f.PerCycle = append(f.PerCycle, int64(u.counts[i]-u.counts[i-1]))
	}
	if f.Count = sum(f.PerCycle); f.Count == 0 {
		return nil, nil
	}
	if u.wereAccepted(f.Count) {
		f.PerScenario = byLabel(u.forgotten, u.Label, f.Count)
	}
	f.Detail = "closed by the GC"
	if u.blind != nil {
		f.Detail += "\nwhere they were opened is unknown: " + u.blind.Error()
		return []verdict.Finding{f}, nil
	}
	opened := u.openedAt(f.PerCycle)
	if len(opened) == 1 {
		f.Born, f.Type = opened[0].site.Born, opened[0].kind
	}
	for _, o := range opened {
		f.Detail += fmt.Sprintf("\n%d of %s %s at %s", o.freed, o.kind, o.how, o.site.Born)
	}
	return []verdict.Finding{f}, nil
}

// Seen reports whether the GC closed any during the last cycle.
func (u *Unclosed) Seen() bool {
	n := len(u.counts)
	return n > 1 && u.counts[n-1] > u.counts[n-2]
}

// wereAccepted reports whether nearly all that was forgotten are connections that Accepted
// has seen.
func (u *Unclosed) wereAccepted(count int64) bool { return 10*int64(len(u.forgotten)) >= 9*count }
