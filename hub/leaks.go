package hub

import (
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/suspect"
)

// watched are the collections that the hub suspects if they grow from one idle time to the next.
// These are all that Stats has, but for LargestNetwork, which is no collection, and the memory and
// the goroutines that belong to none of them.
var watched = []struct {
	suspect.Quantity
	value func(*Stats) int64
}{
	{entries("hub.Hub.sessions", 1), func(st *Stats) int64 { return int64(st.Sessions) }},
	{entries("hub.Hub.peers", 1), func(st *Stats) int64 { return int64(st.Peers) }},
	{entries("hub.Hub.networks", 1), func(st *Stats) int64 { return int64(st.Networks) }},
	{entries("hub.Hub.memberships", 1), func(st *Stats) int64 { return int64(st.Announced) }},
	{entries("hub.Hub.hubs", 1), func(st *Stats) int64 { return int64(st.Hubs) }},
	{entries("hub.Hub.subscriptions", 1), func(st *Stats) int64 { return int64(st.Subscriptions) }},
	{entries("hub.Hub.admitted", 1), func(st *Stats) int64 { return int64(st.Admitted) }},
	{entries("hub.Hub.refused", 1), func(st *Stats) int64 { return int64(st.Refused) }},
	{entries("hub.Hub.probing", 1), func(st *Stats) int64 { return int64(st.Probing) }},
	{entries("hub.Hub.addresses", 2), func(st *Stats) int64 { return int64(st.Addresses) }},
	{entries("hub.Hub.addresses.reserved", 1), func(st *Stats) int64 { return int64(st.ReservedIDs) }},
	{entries("hub.Hub.subjects", 1), func(st *Stats) int64 { return int64(st.Subjects) }},
	{entries("hub.Hub.gate", 2), func(st *Stats) int64 { return int64(st.Goroutines + st.Parked) }},
	{entries("hub.Hub.parking.sessions", 1), func(st *Stats) int64 { return int64(st.Parked) }},
	{size("hub.Hub.queued", 8<<20, 1<<20), func(st *Stats) int64 { return st.QueuedBytes }},
	{size("hub.Hub.announced", 16<<10, 1<<20), func(st *Stats) int64 { return st.AnnouncedBytes }},
	{size("hub.Hub.reading", 1<<20, 1<<20), func(st *Stats) int64 { return st.ReadingBytes }},
	{entries("goroutines", 1), func(st *Stats) int64 { return int64(st.Memory.Goroutines - st.Goroutines) }},
	{size("heap", bytesPerSession*2, 4<<20), func(st *Stats) int64 {
		return st.Memory.HeapMarked - st.QueuedBytes - st.AnnouncedBytes - st.ReadingBytes
	}},
}

func entries(name string, perSession float64) suspect.Quantity {
	return suspect.Quantity{Name: name, PerSession: perSession, Least: 10}
}

func size(name string, perSession, least float64) suspect.Quantity {
	return suspect.Quantity{Name: name, PerSession: perSession, Least: least}
}

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

func (l *leaks) init(period time.Duration) {
	quantities := make([]suspect.Quantity, len(watched))
	for i, w := range watched {
		quantities[i] = w.Quantity
	}
	l.period, l.observer = period, suspect.New(period, quantities)
}

// lookForLeaks passes what the hub holds to the observer and logs what it suspects. It costs
// nothing that grows with the number of sessions, and forces no GC.
func (h *Hub) lookForLeaks() {
	l, now := &h.leaks, h.memory.stats()
	if l.period < 0 {
		return
	}
	departed := h.departed()
	sessions := int(h.counters.accepted.Load() - departed)
	l.most, l.peak = max(l.most, sessions), max(l.peak, sessions)
	if now.GCs < l.since.GCs+2 || now.At.Sub(l.since.At) < l.period/60 {
		return
	}
	st := h.Stats()
	st.Memory.HeapMarked -= int64(l.peak * bytesPerParked) // what the runtime keeps for their goroutines
	r := suspect.Reading{At: now.At, Sessions: l.most, Departed: departed, Values: make([]float64, len(watched))}
	for i, w := range watched {
		r.Values[i] = float64(w.value(&st))
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
	suspected = make(map[string]float64, len(watched))
	for _, s := range l.observer.Suspicions() {
		suspected[s.Name] = s.PerThousand
	}
	return suspected, l.observer.Compared()
}

// departed returns how many sessions have ended.
func (h *Hub) departed() (n uint64) {
	for i := range h.counters.ended {
		n += h.counters.ended[i].Load()
	}
	return n
}
