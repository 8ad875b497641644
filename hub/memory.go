package hub

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"sync"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// MemoryConfig configures the memory monitor. Zero values stand for the defaults.
type MemoryConfig struct {
	Interval    time.Duration // between two log lines; default 5m, negative switches the monitor off
	Sample      time.Duration // between two readings; default 2s
	RSSWarn     int64         // bytes of resident memory above which a line is a warning; default 500 MiB
	HeapCollect int64         // bytes of heap above which a collection is forced, once an Interval at most; default 500 MiB. While peers are refused for memory one is forced every 30s
	Limit       int64         // bytes the process may take; default: the cgroup's limit, else the machine's memory
}

func (c MemoryConfig) withDefaults() MemoryConfig {
	set(&c.Interval, 5*time.Minute)
	set(&c.Sample, 2*time.Second)
	set(&c.RSSWarn, 500<<20)
	set(&c.HeapCollect, 500<<20)
	if c.Limit == 0 {
		// An error means that neither is known, and no threshold applies.
		limit, _ := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
		c.Limit = int64(min(limit, 1<<62))
	}
	return c
}

// Memory levels as shares of the limit, in percent.
const (
	alertPercent      = 80
	refusePercent     = 90
	hysteresisPercent = 5

	refusingCollect = 30 * time.Second // between the collections forced while refusing
)

// MemoryLevel says how much of the limit is in use.
type MemoryLevel int

// The levels.
const (
	MemoryNormal   MemoryLevel = iota
	MemoryAlert                // above 80 % of the limit
	MemoryRefusing             // above 90 %: new peers get 503
)

// MarshalText makes JSON say the level's name.
func (l MemoryLevel) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (l *MemoryLevel) UnmarshalText(text []byte) error {
	for *l = MemoryNormal; *l <= MemoryRefusing; *l++ {
		if l.String() == string(text) {
			return nil
		}
	}
	return fmt.Errorf("hub: %q is no memory level", text)
}

// String returns the level as logs and events name it.
func (l MemoryLevel) String() string { return [...]string{"normal", "alert", "refusing"}[l] }

// MemoryStats is one reading of the monitor. Sizes are bytes.
type MemoryStats struct {
	At         time.Time
	RSS        int64 // resident set
	HeapLive   int64 // heap in use, live and dead
	HeapSys    int64 // heap obtained from the OS
	Goroutines int   // of the process
	Limit      int64 // 0: not known
	Level      MemoryLevel
	Collected  uint64 // collections the monitor has forced
}

// monitor reads the memory of the process, says what it sees and acts on it.
type monitor struct {
	limit  int64 // fixed
	mu     sync.Mutex
	last   MemoryStats
	forced time.Time // of the last collection above HeapCollect
}

func (m *monitor) stats() MemoryStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.At.IsZero() {
		r := readMemory()
		r.Limit = m.limit
		return r
	}
	return m.last
}

func (m *monitor) refusing() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last.Level == MemoryRefusing
}

func (h *Hub) startMonitor() {
	h.memory.limit = h.cfg.Memory.Limit
	if h.cfg.Memory.Interval < 0 {
		return
	}
	h.gate.hold()
	go func() {
		defer h.gate.leave()
		h.monitor()
	}()
}

// monitor is the life of the memory monitor.
func (h *Hub) monitor() {
	sample := time.NewTicker(min(h.cfg.Memory.Sample, h.cfg.Memory.Interval))
	defer sample.Stop()
	logged := time.Now()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-sample.C:
		}
		h.observe(readMemory())
		h.returnMemory()
		if time.Since(logged) >= h.cfg.Memory.Interval {
			logged = time.Now()
			h.logMemory()
		}
	}
}

// observe takes in one reading: it sets the level, tells of a change, and forces
// a collection where the heap is above the bound.
func (h *Hub) observe(r MemoryStats) {
	m, cfg := &h.memory, h.cfg.Memory
	r.Limit = cfg.Limit
	m.mu.Lock()
	was := m.last.Level
	r.Level = level(r.RSS, cfg.Limit, was)
	r.Collected = m.last.Collected
	collect := r.HeapLive > cfg.HeapCollect && time.Since(m.forced) >= cfg.Interval ||
		r.Level == MemoryRefusing && time.Since(m.forced) >= refusingCollect
	if collect {
		m.forced = time.Now()
		r.Collected++
	}
	m.last = r
	m.mu.Unlock()
	if r.Level != was {
		h.cfg.Logger.Warn("memory level changed", "from", was.String(), "to", r.Level.String(), "rss", r.RSS, "limit", r.Limit)
		h.emit(Event{Name: EventMemoryAlert, Memory: r})
	}
	if collect {
		debug.FreeOSMemory()
	}
}

// level returns the level for a resident size. A level once reached ends only some
// way below its threshold, so that a size about it does not make it flicker.
func level(rss, limit int64, was MemoryLevel) MemoryLevel {
	if limit <= 0 {
		return MemoryNormal
	}
	over := func(percent int64, l MemoryLevel) bool {
		if was >= l {
			percent -= hysteresisPercent
		}
		return float64(rss)*100 > float64(percent)*float64(limit)
	}
	switch {
	case over(refusePercent, MemoryRefusing):
		return MemoryRefusing
	case over(alertPercent, MemoryAlert):
		return MemoryAlert
	}
	return MemoryNormal
}

// returnMemory returns memory to the OS once most sessions of a peak have left and the
// exodus has come to rest, so that what is given back is all of it: the maps are
// made anew, since a Go map never shrinks (golang/go#20135), and the runtime gives
// its free pages back. What it keeps for good is about 1.6 KB for each connection
// of the peak: the descriptors of goroutines and of the poller.
func (h *Hub) returnMemory() {
	const few = 256
	h.mu.Lock()
	n := len(h.sessions)
	left := h.atSample - n
	h.atSample = n
	due := h.peak > few && n < h.peak/2 && left <= h.peak/100
	if due {
		h.peak = n
		h.remakeMaps()
	}
	h.mu.Unlock()
	if due {
		debug.FreeOSMemory()
	}
}

func (h *Hub) remakeMaps() {
	h.sessions, h.peers = fresh(h.sessions), fresh(h.peers)
	h.networks, h.hubs = fresh(h.networks), fresh(h.hubs)
}

// fresh returns a copy of the map that is as large as it need be.
func fresh[K comparable, V any](m map[K]V) map[K]V {
	to := make(map[K]V, len(m))
	maps.Copy(to, m)
	return to
}

// logMemory writes the monitor's line.
func (h *Hub) logMemory() {
	m, st := h.memory.stats(), h.Stats()
	log := h.cfg.Logger.Info
	if m.RSS > h.cfg.Memory.RSSWarn {
		log = h.cfg.Logger.Warn
	}
	log("memory", "rss", mib(m.RSS), "heap", mib(m.HeapLive), "goroutines", m.Goroutines,
		"connections", st.Sessions, "peers", st.Peers, "networks", st.Networks, "level", m.Level.String())
}

func mib(n int64) string { return fmt.Sprintf("%.1fMiB", float64(n)/(1<<20)) }

// readMemory reads the process. It stops nothing and takes microseconds.
func readMemory() MemoryStats {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	v := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	r := MemoryStats{At: time.Now(), HeapLive: v(0), HeapSys: v(0) + v(1) + v(2), Goroutines: runtime.NumGoroutine()}
	if r.RSS = residentSet(); r.RSS == 0 {
		r.RSS = v(3) - v(4) // what the runtime has mapped: the closest figure without /proc
	}
	return r
}

// residentSet returns the resident bytes by /proc (Linux), 0 where there is none.
func residentSet() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}
