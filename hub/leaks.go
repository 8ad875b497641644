package hub

import (
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/suspect"
)

// leaks compares the hub's idle times with each other, once two GCs have ended after one another:
// then nothing is counted as live that a pool held, or that departed before the first GC.
type leaks struct {
	period time.Duration // negative compares none

	// Owned by the goroutine of the monitor.
	since MemoryStats // when the present span began
	most  int         // sessions in it
	peak  int         // most sessions ever

	mu       sync.Mutex
	observer *suspect.Observer
}

// watchLeaks makes the observer. The quantities are those of a census, and beside it.
func (h *Hub) watchLeaks(period time.Duration) {
	var quantities []suspect.Quantity
	h.census(func(name string, _ int) { quantities = append(quantities, entries(name, 1)) })
	for _, b := range beside {
		quantities = append(quantities, b.Quantity)
	}
	h.leaks.period, h.leaks.observer = period, suspect.New(period, quantities)
}

// lookForLeaks passes what the hub holds to the observer and logs what it suspects. It costs
// nothing that grows with the number of sessions, and forces no GC.
func (h *Hub) lookForLeaks() {
	l, now := &h.leaks, h.memory.stats()
	if l.period < 0 {
		return
	}
	departed := h.counters.departed()
	sessions := int(h.counters.accepted.Load() - departed)
	l.most, l.peak = max(l.most, sessions), max(l.peak, sessions)
	if now.GCs < l.since.GCs+2 || now.At.Sub(l.since.At) < l.period/60 {
		return
	}
	st := h.Stats()
	st.Memory.HeapMarked -= int64(l.peak * bytesPerParked) // what the runtime keeps for their goroutines
	r := suspect.Reading{At: now.At, Sessions: l.most, Departed: departed}
	h.census(func(_ string, length int) { r.Values = append(r.Values, float64(length)) })
	for _, b := range beside {
		r.Values = append(r.Values, float64(b.value(&st)))
	}
	l.since, l.most = now, sessions
	for _, s := range l.take(r) {
		h.cfg.Logger.Warn("leak suspected", "collection", s.Name, "per_1000_departed", s.PerThousand, "since", s.Since)
		h.emit(Event{Name: EventLeakSuspected, Suspicion: s})
	}
}

func (l *leaks) take(r suspect.Reading) []suspect.Suspicion {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.observer.Take(r)
}

func (l *leaks) stats() (suspected map[string]float64, lowPoints uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	suspected = make(map[string]float64)
	for _, s := range l.observer.Suspicions() {
		suspected[s.Name] = s.PerThousand
	}
	return suspected, l.observer.Compared()
}

// departed returns how many sessions have ended.
func (c *counters) departed() (n uint64) {
	for i := range c.ended {
		n += c.ended[i].Load()
	}
	return n
}
