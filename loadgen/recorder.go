package loadgen

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// Hop is a stretch of the way whose time is taken.
type Hop uint8

// The hops.
const (
	HopConnect        Hop = iota // TCP, TLS and the upgrade
	HopConnected                 // from dialling to the hub's greeting
	HopDiscoveryFirst            // from an announce to the first member that hears of it
	HopDiscoveryAll              // to the last of those that were there
	HopOffer                     // from an offer to its target
	HopAnswer                    // from an offer to the answer, back at who offered
	HopCandidate                 // from an ICE candidate to its target
	HopPing                      // from a ping to its pong
	HopNotice                    // from a leave to each member that hears of it
	HopReply                     // from a message to what answers it; of the text codec
	HopTimeout                   // from the moment a peer falls silent to each member that hears it is gone
	HopBack                      // from the end of a connection to the greeting of the peer's next

	NumHops
)

var hopWords = [NumHops]string{"connect", "connected", "discovery-first", "discovery-all", "offer", "answer", "candidate", "ping", "notice", "reply", "timeout", "back"}

func (h Hop) String() string { return hopWords[h] }

// Times are counted in microseconds, up to longestTime; what takes longer counts as
// that long. Three digits make a histogram of about 150 KB however much is counted.
const (
	shortestTime = time.Microsecond
	longestTime  = 10 * time.Minute
	digits       = 3
)

// Times is a histogram of times of constant size. Counted in one or merged of many
// is the same, to the last count. The zero value is not usable; not for concurrent
// use.
type Times struct{ h *hdrhistogram.Histogram }

func newTimes() Times {
	return Times{hdrhistogram.New(1, int64(longestTime/shortestTime), digits)}
}

func (t Times) add(d time.Duration) {
	// The value is in range, which is the only thing that can be wrong.
	_ = t.h.RecordValue(int64(min(max(d, 0), longestTime) / shortestTime))
}

// Count returns how many times were counted.
func (t Times) Count() int64 { return t.h.TotalCount() }

// Quantile returns the time that the share q of all, from 0 to 1, stays within.
func (t Times) Quantile(q float64) time.Duration {
	return time.Duration(t.h.ValueAtQuantile(100*q)) * shortestTime
}

// Mean returns the mean.
func (t Times) Mean() time.Duration { return time.Duration(t.h.Mean() * float64(shortestTime)) }

// Max returns the longest.
func (t Times) Max() time.Duration { return time.Duration(t.h.Max()) * shortestTime }

// Merge adds all of o.
func (t Times) Merge(o Times) { t.h.Merge(o.h) }

// MarshalText writes the histogram in HdrHistogram's compressed form, in base64.
func (t Times) MarshalText() ([]byte, error) {
	b, err := t.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return nil, fmt.Errorf("times: %w", err)
	}
	return b, nil
}

// UnmarshalText reads what MarshalText writes.
func (t *Times) UnmarshalText(b []byte) error {
	h, err := hdrhistogram.Decode(b)
	if err != nil {
		return fmt.Errorf("times: %w", err)
	}
	t.h = h
	return nil
}

// HopTimes are the times of one hop.
type HopTimes struct {
	Latency Times `json:"latency"` // from when the action was to begin
	Service Times `json:"service"` // from when it began

	First time.Time `json:"first,omitzero"` // it ended so
	Last  time.Time `json:"last,omitzero"`
}

// Rate returns how many there were a second, from the first to the last; not a number
// if there were not two.
func (h *HopTimes) Rate() float64 {
	if n := h.Latency.Count(); n > 1 && h.Last.After(h.First) {
		return float64(n-1) / h.Last.Sub(h.First).Seconds()
	}
	return math.NaN()
}

// saw widens the time in which the hop was taken.
func (h *HopTimes) saw(first, last time.Time) {
	if h.First.IsZero() || !first.IsZero() && first.Before(h.First) {
		h.First = first
	}
	if last.After(h.Last) {
		h.Last = last
	}
}

// Latencies are the times of all hops, and how late the generator was.
type Latencies struct {
	Hops [NumHops]HopTimes
	Slip Times
}

// latenciesJSON are Latencies by the names of the hops, without those that were not
// taken: what is written does not depend on which hops there are.
type latenciesJSON struct {
	Hops map[string]HopTimes `json:"hops"`
	Slip Times               `json:"slip"`
}

// MarshalJSON writes the hops that were taken.
func (l Latencies) MarshalJSON() ([]byte, error) {
	j := latenciesJSON{map[string]HopTimes{}, l.Slip}
	for i, h := range l.Hops {
		if h.Latency.Count() > 0 {
			j.Hops[Hop(i).String()] = h
		}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. Hops that are not known are left out.
func (l *Latencies) UnmarshalJSON(b []byte) error {
	j := latenciesJSON{Slip: newTimes()}
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("latencies: %w", err)
	}
	*l = newLatencies()
	l.Slip = j.Slip
	for i := range l.Hops {
		if h, ok := j.Hops[Hop(i).String()]; ok && h.Latency.h != nil && h.Service.h != nil {
			l.Hops[i] = h
		}
	}
	return nil
}

// newLatencies returns empty ones.
func newLatencies() Latencies {
	l := Latencies{Slip: newTimes()}
	for i := range l.Hops {
		l.Hops[i] = HopTimes{Latency: newTimes(), Service: newTimes()}
	}
	return l
}

func (h *HopTimes) merge(o HopTimes) {
	h.Latency.Merge(o.Latency)
	h.Service.Merge(o.Service)
	h.saw(o.First, o.Last)
}

// Merge adds all of o, which another process may have counted.
func (l *Latencies) Merge(o Latencies) {
	for i := range l.Hops {
		l.Hops[i].merge(o.Hops[i])
	}
	l.Slip.Merge(o.Slip)
}

// Recorder counts times. Its methods may be called concurrently; it takes about 3 MB
// however long it runs.
type Recorder struct {
	locks [NumHops]sync.Mutex
	slip  sync.Mutex
	times Latencies
}

// NewRecorder returns a recorder.
func NewRecorder() *Recorder { return &Recorder{times: newLatencies()} }

// Add counts the end, now, of a hop that began at t.
func (r *Recorder) Add(h Hop, t schedule.Tick) { r.add(h, t, time.Now()) }

func (r *Recorder) add(h Hop, t schedule.Tick, end time.Time) {
	r.locks[h].Lock()
	defer r.locks[h].Unlock()
	r.times.Hops[h].Latency.add(end.Sub(t.Intended))
	r.times.Hops[h].Service.add(end.Sub(t.Start))
	r.times.Hops[h].saw(end, end)
}

// AddSlip counts by how much an action began late.
func (r *Recorder) AddSlip(d time.Duration) {
	r.slip.Lock()
	defer r.slip.Unlock()
	r.times.Slip.add(d)
}

// Snapshot returns a copy of what was counted so far.
func (r *Recorder) Snapshot() Latencies {
	l := newLatencies()
	for i := range l.Hops {
		r.locks[i].Lock()
		l.Hops[i].merge(r.times.Hops[i])
		r.locks[i].Unlock()
	}
	r.slip.Lock()
	defer r.slip.Unlock()
	l.Slip.Merge(r.times.Slip)
	return l
}
