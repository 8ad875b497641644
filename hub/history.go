package hub

import (
	"slices"
	"sync"
	"time"
)

const (
	historyStep = 30 * time.Second
	historyKept = 121 // moments: an hour between the first and the last
)

// Moment is what a hub held at one time, and what it had counted by then.
type Moment struct {
	At         time.Time
	Sessions   int
	Networks   int
	Goroutines int // of the process
	RSS        int64
	HeapMarked int64
	Queued     int64 // bytes

	// Counters since the hub was made.
	Accepted, Relayed, Refused, Cut uint64

	// Of the messages relayed and timed since the previous moment; 0 if none was timed.
	RelayMedian, RelayP99 time.Duration
}

// history is the last hour. Its size is fixed.
type history struct {
	mu      sync.Mutex
	moments [historyKept]Moment
	n       int // that were ever noted
}

// noted is what the monitor keeps of the last moment. It is not in the hub, because a census
// of a hub at rest follows its slices without a lock.
type noted struct {
	at    time.Time
	relay Histogram // of relayed messages, at that time
}

// noteMoment notes a moment if the last one is historyStep ago. Only the monitor calls it.
func (h *Hub) noteMoment(last *noted) {
	now := time.Now()
	if now.Sub(last.at) < historyStep {
		return
	}
	st := h.Stats()
	m := Moment{
		At: now, Sessions: st.Sessions, Networks: st.Networks, Goroutines: st.Memory.Goroutines, RSS: st.Memory.RSS,
		HeapMarked: st.Memory.HeapMarked, Queued: st.QueuedBytes, Accepted: st.Accepted, Relayed: st.Relayed,
		RelayMedian: st.RelayTime.Since(last.relay, 0.5), RelayP99: st.RelayTime.Since(last.relay, 0.99),
	}
	m.Refused, m.Cut = h.counters.unwanted()
	*last = noted{at: now, relay: st.RelayTime}
	r := h.history
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moments[r.n%historyKept] = m
	r.n++
}

// History returns the moments of the last hour, two a minute, the oldest first. It returns
// none if the memory monitor is switched off.
func (h *Hub) History() []Moment {
	r := h.history
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n <= historyKept {
		return slices.Clone(r.moments[:r.n])
	}
	oldest := r.n % historyKept
	return slices.Concat(r.moments[oldest:], r.moments[:oldest])
}

// Since returns the quantile q of the times that h counts and before does not: the upper bound of
// the bucket that it is in, or the largest bound if it is above all. It is 0 if none was counted.
// before is an earlier Histogram of the same times, or the zero value.
func (h Histogram) Since(before Histogram, q float64) time.Duration {
	total, counts := uint64(0), slices.Clone(h.Counts)
	for i := range counts {
		if i < len(before.Counts) {
			counts[i] -= before.Counts[i]
		}
		total += counts[i]
	}
	if total == 0 {
		return 0
	}
	below := uint64(0)
	for i, n := range counts {
		if below += n; float64(below) >= q*float64(total) {
			return time.Duration(h.Bounds[min(i, len(h.Bounds)-1)] * float64(time.Second))
		}
	}
	return 0
}
