package hub

import (
	"maps"
	"runtime"
	"runtime/debug"
	"time"
)

// returnMemory returns memory to the OS once most sessions of a peak have left, once most
// of their readers have ended because the sessions are parked, or once much heap is idle.
// In the first case the maps are made anew, because a Go map never shrinks
// (golang/go#20135). The runtime returns its free pages. The runtime keeps about 1.6 KB
// for each connection of the peak for ever: the descriptors of goroutines and of the
// poller.
func (h *Hub) returnMemory() {
	parked, _ := h.parking.counts()
	h.mu.Lock()
	n := len(h.sessions)
	left := h.crowd.hasLeft(n, true)
	if left {
		h.remakeMaps()
	}
	h.mu.Unlock()
	// Bursts of traffic may wake many peers every few seconds.
	quiet := h.memory.readers.hasLeft(n-parked, time.Since(h.memory.quieted) >= idleCollect)
	if quiet {
		h.memory.quieted = time.Now()
	}
	if h.heapIsIdle(n) || left || quiet {
		runtime.GC() // what pools hold is free after the second one
		debug.FreeOSMemory()
		h.memory.kept = h.idleHeap(n)
	}
}

// crowd is a number that memory goes with.
type crowd struct {
	peak   int // the most since memory was last returned
	before int // at the monitor's last sample
}

// hasLeft takes a sample. It reports whether more than half of a peak are gone and few
// more go, so that once is enough, and begins anew if so. Unless it may, it waits.
func (c *crowd) hasLeft(n int, may bool) bool {
	const few = 256
	going := c.before - n
	c.before = n
	c.peak = max(c.peak, n)
	if !may || c.peak <= few || n >= c.peak/2 || going > c.peak/100 {
		return false
	}
	c.peak = n
	return true
}

const (
	idleHeap        = 32 << 10 << 10   // bytes of heap that may be idle
	idleSamples     = 5                // for so many samples
	idleCollect     = 30 * time.Second // between two returns for idle heap, or for ended readers
	bytesPerSession = 10 << 10
	bytesPerParked  = 2 << 10
)

// heapIsIdle reports whether the runtime has held much more heap than n sessions and
// what waits need, for a while: what a flood took, garbage included, because without
// work no GC comes for two minutes.
func (h *Hub) heapIsIdle(n int) bool {
	m := &h.memory
	if idle := h.idleHeap(n); idle < m.kept+idleHeap {
		m.kept, m.idleFor = min(m.kept, max(idle, 0)), 0
		return false
	}
	m.idleFor++
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.idleFor < idleSamples || time.Since(m.forced) < idleCollect {
		return false
	}
	m.idleFor, m.forced = 0, time.Now()
	return true
}

// idleHeap returns by how much the heap exceeds one and a half times what n sessions,
// their queues, announces and messages need.
func (h *Hub) idleHeap(n int) int64 {
	parked, _ := h.parking.counts()
	need := int64(n-parked)*bytesPerSession + int64(parked)*bytesPerParked + h.queuedBytes() + h.announced.Load() + h.reading.load()
	return readMemory().HeapSys - need*3/2
}

func (h *Hub) remakeMaps() {
	h.sessions, h.peers = fresh(h.sessions), fresh(h.peers)
	h.networks, h.hubs = fresh(h.networks), fresh(h.hubs)
	h.parking.remake()
}

// fresh returns a copy of the map without spare room.
func fresh[K comparable, V any](m map[K]V) map[K]V {
	to := make(map[K]V, len(m))
	maps.Copy(to, m)
	return to
}
