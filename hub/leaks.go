package hub

import (
	"maps"
	"sync/atomic"

	"github.com/pigeonhub/pigeonhub/hub/suspect"
)

// leaks compares the hub's idle times with each other, once two GCs have ended after one another:
// then nothing is counted as live that a pool held, or that departed before the first GC.
type leaks struct {
	known atomic.Pointer[suspects] // as of the last reading

	// Owned by the goroutine of the monitor.
	since MemoryStats // when the present span began
	most  int         // sessions in it
	peak  int         // most sessions ever
}

// suspects is what an observer says after a reading. It never changes.
type suspects struct {
	growth    map[string]float64
	lowPoints uint64
}

// newObserver returns an observer, for the goroutine of the monitor alone. Its quantities are those
// of a census, and beside it.
func (h *Hub) newObserver() *suspect.Observer {
	var quantities []suspect.Quantity
	h.census(func(name string, _ int) { quantities = append(quantities, entries(name, 1)) })
	for _, b := range beside {
		quantities = append(quantities, b.Quantity)
	}
	o := suspect.New(h.cfg.Memory.LeakPeriod, quantities)
	h.leaks.publish(o)
	return o
}

// lookForLeaks passes what the hub holds to the observer and logs what it suspects. It costs
// nothing that grows with the number of sessions, and forces no GC.
func (h *Hub) lookForLeaks(o *suspect.Observer) {
	l, now, period := &h.leaks, h.memory.stats(), h.cfg.Memory.LeakPeriod
	if period < 0 {
		return
	}
	departed := h.counters.departed()
	sessions := int(h.counters.accepted.Load() - departed)
	l.most, l.peak = max(l.most, sessions), max(l.peak, sessions)
	if now.GCs < l.since.GCs+2 || now.At.Sub(l.since.At) < period/60 {
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
	found := o.Take(r)
	l.publish(o)
	for _, s := range found {
		h.cfg.Logger.Warn("leak suspected", "collection", s.Name, "per_1000_departed", s.PerThousand, "since", s.Since)
		h.emit(Event{Name: EventLeakSuspected, Suspicion: s})
	}
}

func (l *leaks) publish(o *suspect.Observer) {
	now := &suspects{make(map[string]float64), o.Compared()}
	for _, s := range o.Suspicions() {
		now.growth[s.Name] = s.PerThousand
	}
	l.known.Store(now)
}

func (l *leaks) stats() (suspected map[string]float64, lowPoints uint64) {
	known := l.known.Load()
	return maps.Clone(known.growth), known.lowPoints
}

// departed returns how many sessions have ended.
func (c *counters) departed() (n uint64) {
	for i := range c.ended {
		n += c.ended[i].Load()
	}
	return n
}
