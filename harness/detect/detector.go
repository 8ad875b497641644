package detect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Detector reads a process before the peers come and after each cycle of them, and
// reports what did not go back. An error of Baseline, Cycle or Findings means that the
// detector could not look: the run is invalid, never a pass.
//
// A detector is used by one goroutine at a time. Baseline may be called again, to
// start over. A detector that is also Controlled, Attributed or Brief says so by having
// those methods; nothing else names a detector by its type.
type Detector interface {
	Name() string
	// Unit names one of what it counts: "goroutine", "descriptor".
	Unit() string
	// Noise returns by how many units a cycle may move a count without a leak.
	Noise() float64
	// Baseline takes the reading before.
	Baseline(ctx context.Context, r *Reading) error
	// Cycle takes the reading after r.Dose peers have come and gone.
	Cycle(ctx context.Context, r *Reading) error
	// Findings returns what has grown since the baseline; nothing if all is well.
	Findings(ctx context.Context) ([]verdict.Finding, error)
}

// Controlled is a Detector that a campaign can check. A campaign with a detector that
// is not Controlled is invalid, unless it is Uncontrolled.
type Controlled interface {
	// Plant returns a leak that the detector must find. join connects a peer to the
	// target, for as long as it takes until leave is called.
	Plant(join func(ctx context.Context) (leave func(), err error)) Plant
}

// Plant is a leak that a detector must find, and that it finds nowhere else. Of its
// functions all but Is may be nil.
type Plant struct {
	// Grow adds to the leak before each reading of a cycle, which is said to be of dose
	// peers. last is true before the last one.
	Grow func(dose int64, last bool) error
	// During reads a cycle while something is there that must not stay.
	During func(ctx context.Context, read func() error) error
	// Remove takes everything away.
	Remove func()
	// Is reports whether a finding is of this leak, and not of another thing that
	// happened meanwhile.
	Is func(verdict.Finding) bool
}

// Attributed is a Detector that can attribute connections to scenarios.
type Attributed interface {
	Attribute(Attribution)
}

// Attribution is what a campaign knows of the connections of its target.
type Attribution struct {
	// Accepted watches the target's listener; nil if the target has none that is watched.
	Accepted *Accepted
	// Label returns the scenario that dialled from an address before it was accepted, "" if
	// none did.
	Label func(address string, accepted time.Time) string
	// Roots are pointers to the state of the target, as of Census; nil if they are not known.
	Roots map[string]any
}

// Brief is a Detector that can do with less time.
type Brief interface {
	// Shorten makes readings wait for at most grace for what ends late, and Findings leave
	// out paths and places, until restore is called.
	Shorten(grace time.Duration) (restore func())
}

// Errors of detectors that were used in a wrong way.
var (
	ErrNoBaseline = errors.New("no baseline was read")
	ErrNoCycle    = errors.New("no cycle was read")
	// ErrCollected is the order of readings: a forced collection closes the
	// descriptors that were forgotten, so they are counted before it.
	ErrCollected = errors.New("descriptors must be read before the forced collection")
)

// Detectors reads several detectors as one, in their order. Descriptors come
// before whatever collects.
type Detectors []Detector

// Baseline takes the baseline of each.
func (ds Detectors) Baseline(ctx context.Context, r *Reading) error {
	return ds.each(func(d Detector) error { return d.Baseline(ctx, r) })
}

// Cycle takes the reading of each.
func (ds Detectors) Cycle(ctx context.Context, r *Reading) error {
	return ds.each(func(d Detector) error { return d.Cycle(ctx, r) })
}

// Findings returns the findings of all. With an error they are not complete.
func (ds Detectors) Findings(ctx context.Context) ([]verdict.Finding, error) {
	var all []verdict.Finding
	err := ds.each(func(d Detector) error {
		found, err := d.Findings(ctx)
		all = append(all, found...)
		return err
	})
	return all, err
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

// Reading is one look at the process: the detectors that are to look at the same
// moment share it, and with it one forced collection and one heap profile.
type Reading struct {
	Dose int64 // peers put through since the last reading; 0 for the baseline
	// Trial is a reading that tells which scenario leaks: what grew is counted, but whether
	// it keeps growing is judged by the cycles before it.
	Trial bool

	collected bool
	profile   *heap.Profile
}

// NewReading returns a reading for the present moment.
func NewReading(dose int64) *Reading { return &Reading{Dose: dose} }

// Collect frees what can be freed, and waits until finalizers and cleanups have run. Only
// the first call does anything.
func (r *Reading) Collect(ctx context.Context) error {
	if r.collected {
		return nil
	}
	r.collected = true
	return heap.Collect(ctx)
}

// Profile returns what lives at each site, after a collection.
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

// heapProfileSince returns the profile if it can be compared with that of a baseline.
func (r *Reading) heapProfileSince(ctx context.Context, base *heap.Profile) (*heap.Profile, error) {
	profile, err := r.heapProfile(ctx)
	if err != nil {
		return nil, err
	}
	return profile, profile.Since(base)
}

// closeIdle closes the connections that the default HTTP client keeps for later:
// each is a descriptor and two goroutines, and no leak.
func closeIdle() { http.DefaultClient.CloseIdleConnections() }
