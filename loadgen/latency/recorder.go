package latency

import (
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// Recorder counts times. Its methods may be called concurrently. It takes about 3 MB,
// however long it runs.
type Recorder struct {
	locks [NumHops]sync.Mutex
	slip  sync.Mutex
	times Histograms
}

// NewRecorder returns an empty recorder.
func NewRecorder() *Recorder { return &Recorder{times: NewHistograms()} }

// Add counts a hop that began at t and ends now.
func (r *Recorder) Add(h Hop, t schedule.Tick) { r.AddUntil(h, t, time.Now()) }

// AddUntil counts a hop that began at t and ended at end.
func (r *Recorder) AddUntil(h Hop, t schedule.Tick, end time.Time) {
	r.locks[h].Lock()
	defer r.locks[h].Unlock()
	r.times.Hops[h].Latency.Add(end.Sub(t.Intended))
	r.times.Hops[h].Service.Add(end.Sub(t.Start))
	r.times.Hops[h].extend(end, end)
}

// AddSlip counts by how much an action began late.
func (r *Recorder) AddSlip(d time.Duration) {
	r.slip.Lock()
	defer r.slip.Unlock()
	r.times.Slip.Add(d)
}

// Snapshot returns a copy of the counts so far.
func (r *Recorder) Snapshot() Histograms {
	var l Histograms
	for i := range l.Hops {
		r.locks[i].Lock()
		l.Hops[i] = r.times.Hops[i].copied()
		r.locks[i].Unlock()
	}
	r.slip.Lock()
	defer r.slip.Unlock()
	l.Slip = r.times.Slip.copied()
	return l
}

// Brief is the state of a hop for a display.
type Brief struct {
	Count    int64
	P50, P99 time.Duration
}

// Brief returns the state of a hop so far.
func (r *Recorder) Brief(h Hop) Brief {
	r.locks[h].Lock()
	defer r.locks[h].Unlock()
	return r.times.Hops[h].Latency.brief()
}

func (t Times) brief() Brief {
	if t.Count() == 0 {
		return Brief{}
	}
	q := t.ValuesAt([]float64{50, 99})
	return Brief{t.Count(), q[0], q[1]}
}

// Slip99 returns the time within which 99 % of the actions have begun.
func (r *Recorder) Slip99() time.Duration {
	r.slip.Lock()
	defer r.slip.Unlock()
	return r.times.Slip.Quantile(.99)
}
