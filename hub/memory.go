package hub

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"sync"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/pigeonhub/pigeonhub/hub/suspect"
)

// MemoryConfig configures the memory monitor. A zero value stands for the default.
type MemoryConfig struct {
	Interval    time.Duration // between two log lines; default 5m, negative switches the monitor off
	Sample      time.Duration // between two readings; default 2s
	RSSWarn     int64         // bytes of resident memory above which a line is a warning; default 500 MiB
	HeapCollect int64         // bytes of heap above which a GC is forced, at most once an Interval; default 500 MiB. While peers are refused for memory, one is forced every 30s
	Limit       int64         // bytes the process may use; default: the cgroup's limit, else the machine's memory
	LeakPeriod  time.Duration // of the idle times that are compared, see package suspect; default 1h, negative compares none
}

func (c MemoryConfig) withDefaults() MemoryConfig {
	set(&c.Interval, 5*time.Minute)
	set(&c.Sample, 2*time.Second)
	set(&c.RSSWarn, 500<<20)
	set(&c.HeapCollect, 500<<20)
	set(&c.LeakPeriod, time.Hour)
	if c.Limit == 0 {
		// An error means that neither is known: then Limit is 0 and no level is reached.
		limit, _ := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)()
		c.Limit = int64(min(limit, 1<<62))
	}
	return c
}

// Thresholds of the memory levels, in percent of the limit.
const (
	alertPercent      = 80
	refusePercent     = 90
	hysteresisPercent = 5

	refusingCollect = 30 * time.Second // between forced GCs while peers are refused
)

// MemoryLevel is the range that the use of memory is in.
type MemoryLevel int

// The levels.
const (
	MemoryNormal   MemoryLevel = iota
	MemoryAlert                // above 80 % of the limit
	MemoryRefusing             // above 90 %: new peers get 503
)

// MarshalText returns String, so that JSON has the name.
func (l MemoryLevel) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText parses what MarshalText wrote.
func (l *MemoryLevel) UnmarshalText(text []byte) error {
	for *l = MemoryNormal; *l <= MemoryRefusing; *l++ {
		if l.String() == string(text) {
			return nil
		}
	}
	return fmt.Errorf("hub: unknown memory level %q", text)
}

// String returns the level as logs and events name it.
func (l MemoryLevel) String() string { return memoryLevels[l] }

var memoryLevels = [...]string{MemoryNormal: "normal", MemoryAlert: "alert", MemoryRefusing: "refusing"}

// MemoryStats is one reading of the monitor. Sizes are bytes.
type MemoryStats struct {
	At         time.Time
	RSS        int64 // resident set
	HeapLive   int64 // heap objects, live ones and garbage
	HeapMarked int64 // heap objects that the last GC found live
	HeapSys    int64 // heap obtained from the OS
	Goroutines int   // of the process
	Limit      int64 // 0 if unknown
	Level      MemoryLevel
	Collected  uint64 // GCs that the monitor has forced
	GCs        uint64 // of the process
}

// monitor holds the last reading of the process's memory.
type monitor struct {
	limit  int64 // fixed
	mu     sync.Mutex
	last   MemoryStats
	forced time.Time // when the last GC was forced

	// Owned by the goroutine of the monitor.
	idleFor int       // samples for which much heap was idle
	kept    int64     // idle bytes that the last return left: other code of the process has them
	readers crowd     // sessions that are not parked
	quieted time.Time // when memory was last returned because most readers had ended
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
	o := h.newObserver() // its quantities are known without a monitor, too
	h.memory.limit = h.cfg.Memory.Limit
	if h.cfg.Memory.Interval < 0 {
		return
	}
	h.gate.hold()
	go func() {
		defer h.gate.leave()
		h.monitor(o)
	}()
}

// monitor reads memory every Sample and logs it every Interval until Shutdown
// begins.
func (h *Hub) monitor(o *suspect.Observer) {
	sample := time.NewTicker(min(h.cfg.Memory.Sample, h.cfg.Memory.Interval))
	defer sample.Stop()
	var last noted
	logged := time.Now()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-sample.C:
		}
		h.observe(readMemory())
		h.returnMemory()
		h.lookForLeaks(o)
		h.noteMoment(&last)
		h.flushReports(0)
		h.addresses.Sweep()
		if time.Since(logged) >= h.cfg.Memory.Interval {
			logged = time.Now()
			h.logMemory()
		}
	}
}

// observe stores one reading and sets the level. It logs and emits a change of the
// level, and forces a GC if the heap is above HeapCollect.
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

// level returns the level for a resident size. A level that is reached ends only 5 %
// below its threshold, so that it does not change with every reading.
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

// logMemory logs one line about memory.
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

// readMemory reads the memory of the process. It does not stop the world and takes
// microseconds.
func readMemory() MemoryStats {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	v := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	r := MemoryStats{
		At: time.Now(), HeapLive: v(0), HeapMarked: v(5), HeapSys: v(0) + v(1) + v(2), Goroutines: runtime.NumGoroutine(), GCs: uint64(v(6)),
	}
	if r.RSS = residentSet(); r.RSS == 0 {
		r.RSS = v(3) - v(4) // without /proc: what the runtime has mapped and not released
	}
	return r
}

// residentSet returns the resident bytes from /proc, 0 on a system without it.
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
