package loadgen

import (
	"net/http"
	"net/http/httptest"
	httppprof "net/http/pprof"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/probe"
)

// kept is what a leak would keep.
var kept [][]byte

//go:noinline
func keepMemory(n int) {
	for range n {
		kept = append(kept, make([]byte, 1<<20)) // larger than what the heap profile samples by
	}
}

//go:noinline
func awaitDone(done chan struct{}) { <-done }

// Of two readings of the profiles of this process, the places that there is more of are
// named: the function that allocates, and the one that goroutines are there to run.
func TestGrownPlaces(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", httppprof.Index)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	before, err := readSites(t.Context(), probe.Client{}, s.URL+"/debug/pprof")
	if err != nil {
		t.Fatal(err)
	}
	const n = 40
	keepMemory(n)
	done := make(chan struct{})
	for range n {
		go awaitDone(done)
	}
	t.Cleanup(func() { close(done); kept = nil })
	after, err := readSites(t.Context(), probe.Client{}, s.URL+"/debug/pprof")
	if err != nil {
		t.Fatal(err)
	}
	heap, goroutines := grown(before.heap, after.heap, n), grown(before.goroutines, after.goroutines, n)
	if len(heap) == 0 || !strings.HasSuffix(heap[0].Born.Function, "loadgen.keepMemory") || heap[0].Count < 700 || heap[0].Bytes < 700<<20 {
		t.Errorf("of the heap %+v", heap)
	}
	if len(goroutines) == 0 || !strings.HasSuffix(goroutines[0].Born.Function, "loadgen.awaitDone") || goroutines[0].Count != 1000 {
		t.Errorf("of goroutines %+v", goroutines)
	}
	if again := grown(after.heap, after.heap, n); len(again) > 0 {
		t.Errorf("nothing grew, but %+v is reported", again)
	}
}

func TestReadPlacesOfAnotherPage(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a banner")) }))
	t.Cleanup(s.Close)
	if p, err := readSites(t.Context(), probe.Client{}, s.URL); err == nil {
		t.Errorf("got %v", p)
	}
}

func TestIsStandard(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		function, file string
		want           bool
	}{
		{"net/http.(*conn).serve", "/usr/local/go/src/net/http/server.go", true},
		{"net/http.(*conn).serve", "net/http/server.go", true}, // built with -trimpath
		{"encoding/json.Unmarshal", "/opt/go/src/encoding/json/decode.go", true},
		{"github.com/gorilla/websocket.newConn", "github.com/gorilla/websocket@v1.5.3/conn.go", false},
		{"main.main", "/src/main/main.go", false},
		{"hub/store.(*Map).Put", "/src/hub/internal/put.go", false},
		{"sync.(*Pool).Get", "/usr/local/go/src/sync/pool.go", true},
	} {
		if got := isStandard(tt.function, tt.file); got != tt.want {
			t.Errorf("%s in %s: got %t", tt.function, tt.file, got)
		}
	}
}
