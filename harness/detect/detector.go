package detect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Detector reads a process before the peers come and after each cycle of them. It reports
// what did not return to the baseline. An error of Baseline, Cycle or Findings makes the run
// invalid, never a pass.
//
// One goroutine at a time uses a detector. Calling Baseline again starts over. A detector may
// implement Controlled, Attributed, Brief and Optional, too; no other code names a detector by its type.
type Detector interface {
	Name() string
	// Unit returns the singular of what it counts: "goroutine", "descriptor".
	Unit() string
	// Noise returns by how many units a cycle may move a count without a leak.
	Noise() float64
	// Baseline reads the process before the peers come.
	Baseline(ctx context.Context, r *Reading) error
	// Cycle reads the process after r.Dose peers have come and gone.
	Cycle(ctx context.Context, r *Reading) error
	// Findings returns what has grown since the baseline, nothing if nothing has.
	Findings(ctx context.Context) ([]verdict.Finding, error)
}

// Controlled is a Detector that a campaign can check with a planted leak. A campaign that
// checks its detectors is invalid if one of them is not Controlled.
type Controlled interface {
	// Plant returns a leak that the detector must find. join connects a peer to the target
	// until leave is called.
	Plant(join func(ctx context.Context) (leave func(), err error)) Plant
}

// Plant is a leak that a detector must find and that the target does not have. All functions
// but Is may be nil.
type Plant struct {
	// Grow adds to the leak before each reading of a cycle with dose peers. last is true
	// before the last reading.
	Grow func(dose int64, last bool) error
	// During calls read, which reads a cycle, while something exists that must not stay.
	During func(ctx context.Context, read func() error) error
	// Remove removes the leak.
	Remove func()
	// Is reports whether a finding is of this leak.
	Is func(verdict.Finding) bool
}

// Attributed is a Detector that uses what a campaign knows about its target.
type Attributed interface {
	Attribute(Attribution)
}

// Attribution is what a campaign knows about its target.
type Attribution struct {
	// Accepted watches the target's listener; nil if no listener is watched.
	Accepted *Accepted
	// Label returns the scenario that last dialled from an address before the time of the
	// accept, "" if none did.
	Label func(address string, accepted time.Time) string
	// Roots are pointers to the state of the target, as of Census; nil if unknown.
	Roots map[string]any
	// Idle are the gauges of the target before the first peer; nil if it has none.
	Idle map[string]float64
}

// Brief is a Detector that can take less time.
type Brief interface {
	// Shorten bounds the wait of readings by grace and makes Findings leave out paths and
	// lines, until restore is called.
	Shorten(grace time.Duration) (restore func())
}

// Optional is a Detector that does not work in every program or on every system.
type Optional interface {
	// Off returns why the detector does not work in this process, and what to do about it. why is ""
	// if it works. A detector that is off is not read, and the report says why.
	Off() (why, do string)
}

// Stirred is a Detector that learns by how much its counts move, without a leak, while peers stay.
type Stirred interface {
	// Stir reads the process after a few events of peers that stay. It may be called often
	// before Baseline, which keeps what was learned.
	Stir(ctx context.Context) error
}

// Errors of detectors that are used in a wrong order.
var (
	ErrNoBaseline = errors.New("no baseline was read")
	ErrNoCycle    = errors.New("no cycle was read")
	// ErrCollected is returned after a forced collection, because it closes forgotten
	// descriptors.
	ErrCollected = errors.New("descriptors must be read before the forced collection")
)

// Detectors reads several detectors as one, in their order. Descriptors must come before any
// detector that collects.
type Detectors []Detector

// Baseline takes the baseline of each.
func (ds Detectors) Baseline(ctx context.Context, r *Reading) error {
	return ds.each(func(d Detector) error { return d.Baseline(ctx, r) })
}

// Cycle takes the reading of each.
func (ds Detectors) Cycle(ctx context.Context, r *Reading) error {
	return ds.each(func(d Detector) error { return d.Cycle(ctx, r) })
}

// Findings returns the findings of all. They are incomplete if the error is not nil.
func (ds Detectors) Findings(ctx context.Context) ([]verdict.Finding, error) {
	var all []verdict.Finding
	err := ds.each(func(d Detector) error {
		found, err := d.Findings(ctx)
		all = append(all, found...)
		return err
	})
	return all, err
}

// LateFor is how long a target may hold what it lets go by itself, such as what a janitor removes
// every few seconds, unless the test says otherwise. That is no leak.
const LateFor = 6 * time.Second

// Left takes a reading after so many peers, and returns the findings. If there are any, it waits
// for what is let go late and reads again: those that are gone do not count.
func (ds Detectors) Left(ctx context.Context, peers int64, late time.Duration) ([]verdict.Finding, error) {
	if err := ds.Cycle(ctx, NewReading(peers)); err != nil {
		return nil, err
	}
	found, err := ds.Findings(ctx)
	if err != nil || len(found) == 0 {
		return found, err
	}
	if !settle.Pause(ctx, late) {
		return found, context.Cause(ctx)
	}
	later := NewReading(0)
	later.Trial = true // growth is judged by the cycle with peers
	if err := ds.Cycle(ctx, later); err != nil {
		return found, err
	}
	return ds.Findings(ctx)
}

func (ds Detectors) each(f func(Detector) error) error {
	var errs []error
	for _, d := range ds {
		if err := f(d); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", d.Name(), err))
		}
	}
	return errors.Join(errs...)
}

// Reading is one moment of the process. Detectors that read the same moment share it, and with
// it one forced collection and one heap profile.
type Reading struct {
	Dose int64 // peers since the last reading; 0 for the baseline
	// Trial marks a reading that helps to attribute a leak. Its growth counts, but only the
	// cycles before it decide whether something keeps growing.
	Trial bool

	forced    bool // a collection was forced, which closes forgotten descriptors
	collected bool // Collect was called
	profile   *heap.Profile
}

// NewReading returns a reading for the present moment.
func NewReading(dose int64) *Reading { return &Reading{Dose: dose} }

// Collect forces collections and waits until finalizers and cleanups have run. Only the first
// call does anything.
func (r *Reading) Collect(ctx context.Context) error {
	if r.collected {
		return nil
	}
	r.forced, r.collected = true, true
	return heap.Collect(ctx)
}

// heapProfile returns the heap profile after a collection.
func (r *Reading) heapProfile(ctx context.Context) (*heap.Profile, error) {
	if r.profile != nil {
		return r.profile, nil
	}
	if err := r.Collect(ctx); err != nil {
		return nil, err
	}
	profile, err := heap.ReadProfile()
	r.profile = profile
	return profile, err
}

// heapProfileSince returns the heap profile, or an error if it cannot be compared with that
// of the baseline.
func (r *Reading) heapProfileSince(ctx context.Context, base *heap.Profile) (*heap.Profile, error) {
	profile, err := r.heapProfile(ctx)
	if err != nil {
		return nil, err
	}
	return profile, profile.Since(base)
}

// closeIdle closes the idle connections of the default HTTP client. Each has a descriptor and
// two goroutines and is no leak.
func closeIdle() { http.DefaultClient.CloseIdleConnections() }

// HoldGC keeps the GC from starting by itself until resume is called: a collection closes forgotten
// descriptors.
func HoldGC() (resume func()) {
	percent := debug.SetGCPercent(-1)
	return func() { debug.SetGCPercent(percent) }
}
