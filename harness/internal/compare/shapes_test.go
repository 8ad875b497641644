package compare_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

// shape is the body of a test that leaks, or does something harmless. Its cleanups run after the
// tools have looked.
type shape struct {
	name  string
	leaks bool
	body  func(t *testing.T, w *detect.Watch)
}

var (
	everywhere chan struct{} // reachable from a package variable
	backoff    = time.Millisecond
	shared     = fixture.NewRooms()
	kept       []*fixture.Room
)

var shapes = []shape{
	{"goroutine blocked on a channel that nothing else refers to", true, func(*testing.T, *detect.Watch) {
		ch := make(chan struct{})
		go func() { <-ch }()
	}},
	{"goroutine blocked on a channel of a package variable", true, func(t *testing.T, _ *detect.Watch) {
		everywhere = make(chan struct{})
		t.Cleanup(func() { close(everywhere) })
		go func() { <-everywhere }()
	}},
	{"goroutine in a loop with a ticker", true, func(t *testing.T, _ *detect.Watch) {
		ctx := untilEnd(t)
		go func() {
			for tick := time.NewTicker(backoff); ctx.Err() == nil; {
				<-tick.C
			}
		}()
	}},
	{"goroutine in a loop that backs off with time.Sleep", true, func(t *testing.T, _ *detect.Watch) {
		ctx := untilEnd(t)
		go func() {
			for ; ctx.Err() == nil; time.Sleep(backoff) {
			}
		}()
	}},
	{"response without Body.Close", true, func(t *testing.T, _ *detect.Watch) {
		get(t, serve(t))
	}},
	{"file left open", true, func(t *testing.T, _ *detect.Watch) {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
	}},
	{"listener dropped without Close", true, func(t *testing.T, _ *detect.Watch) { fixture.DropListeners(t, 1, false) }},
	{"object that a package variable retains", true, func(t *testing.T, w *detect.Watch) {
		room := &fixture.Room{Name: t.Name()}
		kept = append(kept, room)
		if err := w.Add(room, "room"); err != nil {
			t.Fatal(err)
		}
	}},
	{"entry in a map of a hub that lives on", true, func(t *testing.T, _ *detect.Watch) { shared.Join(t.Name()) }},
	{"harmless: idle connection of the default client", false, func(t *testing.T, _ *detect.Watch) {
		body := get(t, serve(t))
		io.Copy(io.Discard, body)
		body.Close()
	}},
	{"harmless: goroutine that ends after 200 ms", false, func(*testing.T, *detect.Watch) { go time.Sleep(200 * time.Millisecond) }},
	{"harmless: connection and goroutine that end with the test", false, func(t *testing.T, _ *detect.Watch) {
		a, b := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			io.Copy(io.Discard, b)
		}()
		a.Close()
		<-done
	}},
}

func untilEnd(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return ctx
}

// serve returns the URL of a server that runs until all tools have looked.
func serve(t *testing.T) string {
	t.Helper()
	if server == nil {
		server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<20)) }))
	}
	return server.URL
}

var server *httptest.Server

func get(t *testing.T, url string) io.ReadCloser {
	t.Helper()
	req, err := http.NewRequestWithContext(untilEnd(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Body
}
