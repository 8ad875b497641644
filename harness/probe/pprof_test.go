package probe_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/probe"
)

// The profiles of this process, as a hub would serve them.
func TestPprof(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p, err := probe.DiscoverPprof(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/some/path")
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

// A page that is something else is no reading.
func TestPprofOfAnotherPage(t *testing.T) {
	t.Parallel()
	if _, err := probe.DiscoverPprof(t.Context(), serve(t, nil)); err == nil {
		t.Error("a banner was taken for a heap profile")
	}
}
