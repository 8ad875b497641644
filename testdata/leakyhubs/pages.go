package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

var began = time.Now()

// serve serves what may be read of the hub.
func (h *hub) serve(mux *http.ServeMux, pages []string) error {
	if h.begins != nil {
		h.begins(h)
	}
	for _, page := range pages {
		switch page {
		case "health":
			mux.HandleFunc("/health", h.health)
		case "metrics":
			mux.HandleFunc("/metrics", h.metrics)
		case "pprof":
			mux.HandleFunc("/debug/pprof/", pprof.Index)
		default:
			return fmt.Errorf("no page %q", page)
		}
	}
	return nil
}

// counts are the sizes of the collections.
func (h *hub) counts() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return map[string]int{"peers": len(h.sessions), "networks": len(h.networks), "hubs": len(h.hubs),
		"subscriptions": len(h.listeners), "seen": len(h.seen), "cache": len(h.cache), "watchers": h.watching()}
}

func (h *hub) health(w http.ResponseWriter, _ *http.Request) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	page := map[string]any{"status": "healthy", "uptime": time.Since(began).Seconds(), "memory": map[string]uint64{"heapUsed": m.HeapAlloc, "rss": resident()}}
	for name, n := range h.counts() {
		page[name] = n
	}
	_ = json.NewEncoder(w).Encode(page) // whoever reads has gone
}

func (h *hub) metrics(w http.ResponseWriter, _ *http.Request) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for name, n := range h.counts() {
		fmt.Fprintf(w, "hub_%s %d\n", name, n)
	}
	open, _ := os.ReadDir("/proc/self/fd") // zero where there is none
	fmt.Fprintf(w, "go_goroutines %d\ngo_memstats_heap_alloc_bytes %d\nprocess_open_fds %d\nprocess_resident_memory_bytes %d\n",
		runtime.NumGoroutine(), m.HeapAlloc, len(open), resident())
}

// resident is the resident memory, 0 where it cannot be read.
func resident() uint64 {
	b, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(b))
	if err != nil || len(fields) < 2 {
		return 0
	}
	n, _ := strconv.ParseUint(fields[1], 10, 64)
	return n * uint64(os.Getpagesize())
}
