package probe_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"strings"
	"testing"
)

// The readings follow the profiles of this process.
func TestPprof(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p, err := client.DiscoverPprof(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/some/path")
	if err != nil {
		t.Fatal(err)
	}
	first, err := p.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first["goroutines"] < 2 || first["heap_live_bytes"] < 10_000 || first["heap_live_objects"] < 100 {
		t.Errorf("got %v", first)
	}
	if second["collections"] < first["collections"]+2 {
		t.Errorf("collections went from %v to %v: it has not collected", first["collections"], second["collections"])
	}
}

// Another page is an error.
func TestPprofOfAnotherPage(t *testing.T) {
	t.Parallel()
	if _, err := client.DiscoverPprof(t.Context(), serve(t, nil)); err == nil {
		t.Error("a banner was taken for a heap profile")
	}
}

// The page of leaked goroutines is read if the process has it.
func TestPprofOfLeakedGoroutines(t *testing.T) {
	t.Parallel()
	heap := "heap profile: 1: 1 [1: 1] @ heap/1048576\n# HeapAlloc = 5\n# Mallocs = 3\n# Frees = 1\n# NumGC = 7\n"
	pages := map[string]string{"/debug/pprof/heap": heap, "/debug/pprof/goroutine": "goroutine profile: total 9\n"}
	for leaked, want := range map[string]float64{"goroutineleak profile: total 4\n": 4, "": -1} {
		if leaked != "" {
			pages["/debug/pprof/goroutineleak"] = leaked
		} else {
			delete(pages, "/debug/pprof/goroutineleak")
		}
		p, err := client.DiscoverPprof(t.Context(), serve(t, pages))
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Read(t.Context())
		n, there := got["goroutines_leaked"]
		if err != nil || there != (want >= 0) || there && n != want || got["goroutines"] != 9 {
			t.Errorf("got %v: %v", got, err)
		}
	}
}
