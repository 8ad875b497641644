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

// Unclosed finds connections and files that were collected and never closed. The
// collector closes them when it gets there, so that nothing of them is left to see
// but that a finalizer ran: connections and listeners of net and os.File set one
// and take it off in Close. Their number is exact, and collections that the runtime
// makes in the middle of a cycle are in it.
//
// Finalizers of others count as well: a library may set them to free what C has
// allocated. Leave Unclosed out if the target has such. Cleanups
// (runtime.AddCleanup) do not count: unique, crypto/tls and Watch run them in the
// normal course of things; so an os.Process that nobody waited for is not seen.
// Nor is one in a cycle of two objects with a finalizer, which the collector never
// frees: that one is Descriptors' to find.
//
// Where they were opened is known as far as the profile of RecordAll tells: the
// lines whose connections were freed meanwhile, with or without Close. Of connections
// that an HTTP server accepted it is the line that took them over (Hijack, an
// upgrade), for from there on they are its to close; of those it is known whose they
// were, too, if Accepted is set.
//
// The zero value is ready to use.
type Unclosed struct {
	// Accepted watches the listener of the target, if set.
	Accepted *Accepted
	// Label says of a connection that was accepted from an address which scenario it is
	// of, "" if it does not know.
	Label func(address string, accepted time.Time) string

	counts    []uint64        // finalizers run, at the baseline and each cycle
	heaps     []*heap.Profile // of the same; nil where blind
	blind     error           // why the heaps are not comparable; nil if they are
	forgotten []acceptedFrom  // Since the baseline
}

// Name implements Detector.
func (u *Unclosed) Name() string { return "unclosed" }

// Unit implements Detector.
func (u *Unclosed) Unit() string { return "object" }

// Noise implements Detector.
func (u *Unclosed) Noise() float64 { return 0 }

// Plant implements Controlled by a file that is forgotten in the last cycle: of those it counts it names none.
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

// Baseline collects, so that what was forgotten before does not count.
func (u *Unclosed) Baseline(ctx context.Context, r *Reading) error {
	u.counts, u.heaps, u.blind = nil, nil, nil
	err := u.read(ctx, r)
	u.forgotten = nil
	return err
}

// Cycle collects, and counts what the collector had to close since.
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

// readHeap reads where they may have been opened. The count does not depend on it.
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

// Findings returns one finding if there were any.
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
	f.Detail = "closed by the collector"
	if u.blind != nil {
		f.Detail += "\nit is not known where they were opened: " + u.blind.Error()
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

// Seen reports whether the last cycle had any.
func (u *Unclosed) Seen() bool {
	n := len(u.counts)
	return n > 1 && u.counts[n-1] > u.counts[n-2]
}

// wereAccepted reports whether what was forgotten are connections that the listener has
// accepted, or nearly all of it.
func (u *Unclosed) wereAccepted(count int64) bool { return 10*int64(len(u.forgotten)) >= 9*count }
