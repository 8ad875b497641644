package detect_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// toyDoor takes connections over from net/http. It forgets those to /forget, holds those to /keep
// and closes the others.
type toyDoor struct {
	mu   sync.Mutex
	kept []net.Conn
	done sync.WaitGroup
}

func (d *toyDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer d.done.Done()
	if r.URL.Path == "/bye" {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.Close()
		}
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack() // taken over
	if err != nil {
		return
	}
	if r.URL.Path == "/keep" {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.kept = append(d.kept, conn)
	}
}

// serveDoor serves on a watched listener.
func serveDoor(t *testing.T) (*toyDoor, *detect.Accepted) {
	t.Helper()
	door := &toyDoor{}
	accepted := detect.WatchAccepted(fixture.Listen(t, "tcp", "127.0.0.1:0"))
	server := &http.Server{Handler: door, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(accepted) })
	t.Cleanup(func() {
		server.Close()
		serving.Wait()
		for _, c := range door.kept {
			c.Close()
		}
	})
	return door, accepted
}

// knock connects n peers, which request a path and reset their connections.
func knock(t *testing.T, door *toyDoor, accepted *detect.Accepted, path string, n int64, whose *sync.Map) {
	t.Helper()
	for range n {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", accepted.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		whose.Store(conn.LocalAddr().String(), strings.TrimPrefix(path, "/"))
		door.done.Add(1)
		if _, err := conn.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		door.done.Wait()
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
}

func labelIn(whose *sync.Map) func(string, time.Time) string {
	return func(address string, _ time.Time) string {
		label, _ := whose.Load(address)
		s, _ := label.(string)
		return s
	}
}

// A connection that is never closed has the scenario that dialled it, and the line that took it over
// from the server.
func TestAcceptedForgotten(t *testing.T) {
	door, accepted := serveDoor(t)
	var whose sync.Map
	unclosed := &detect.Unclosed{Accepted: accepted, Label: labelIn(&whose)}
	found := findIn(t, unclosed, []int64{5, 7}, func(_ int, dose int64) {
		knock(t, door, accepted, "/bye", 20, &whose)
		knock(t, door, accepted, "/forget", dose, &whose)
	})
	f := wantOne(t, found, verdict.Unclosed, 12, "(*toyDoor).ServeHTTP")
	wantCycles(t, f, 5, 7)
	if want := fixture.LineOf(t, "accepted_test.go", "taken over"); f.Born.Line != want.Line || f.Type != "net.Conn" {
		t.Errorf("a %s born at %s, want line %d\n%s", f.Type, f.Born, want.Line, f.Detail)
	}
	if want := map[string]int64{"forget": 12}; !maps.Equal(f.PerScenario, want) {
		t.Errorf("they are of %v, want %v", f.PerScenario, want)
	}
}

// Connections that are held have the scenario that dialled them, although the kernel has no address
// of a socket that was reset.
func TestAcceptedKept(t *testing.T) {
	door, accepted := serveDoor(t)
	var whose sync.Map
	descriptors := &detect.Descriptors{Accepted: accepted, Label: labelIn(&whose)}
	found := findIn(t, descriptors, []int64{6}, func(_ int, dose int64) {
		knock(t, door, accepted, "/bye", 3, &whose)
		knock(t, door, accepted, "/keep", dose, &whose)
	})
	told := map[string]int64{}
	for _, f := range found {
		for label, n := range f.PerScenario {
			told[label] += n
		}
	}
	if want := map[string]int64{"keep": 6}; !maps.Equal(told, want) {
		t.Errorf("they are of %v, want %v", told, want)
	}
}

// Descriptors attributes connections that were collected and that the next collection closes.
func TestAcceptedDropped(t *testing.T) {
	door, accepted := serveDoor(t)
	var whose sync.Map
	descriptors := &detect.Descriptors{Accepted: accepted, Label: labelIn(&whose)}
	found := findIn(t, descriptors, []int64{6}, func(_ int, dose int64) {
		knock(t, door, accepted, "/forget", dose, &whose)
		runtime.GC() // runs cleanups and no finalizers yet
		if err := settle.Until(t.Context(), cleanupsHaveRun); err != nil {
			t.Fatal(err)
		}
	})
	for _, f := range found {
		if want := map[string]int64{"forget": f.Count}; !maps.Equal(f.PerScenario, want) {
			t.Errorf("they are of %v, want %v", f.PerScenario, want)
		}
	}
	if len(found) == 0 {
		t.Error("none is found")
	}
}

func cleanupsHaveRun() error {
	m := []metrics.Sample{{Name: "/gc/cleanups/executed:cleanups"}, {Name: "/gc/cleanups/queued:cleanups"}}
	metrics.Read(m)
	if ran, queued := m[0].Value.Uint64(), m[1].Value.Uint64(); ran < queued {
		return fmt.Errorf("%d of %d cleanups have run", ran, queued)
	}
	return nil
}

// Accepted retains nothing: a closed connection is collected, and so is its socket.
func TestAcceptedKeepsNothing(t *testing.T) {
	door, accepted := serveDoor(t)
	var whose sync.Map
	knock(t, door, accepted, "/bye", 10, &whose)
	found := findIn(t, &detect.Sites{}, primes[:3], func(_ int, dose int64) {
		knock(t, door, accepted, "/bye", min(dose, 97), &sync.Map{})
	})
	wantNone(t, found)
}

// A connection that stays does not keep the listener that accepted it: what a leaked connection
// kept of the harness was reported as a leak of its own.
func TestAcceptedIsNotKeptByAConnection(t *testing.T) {
	t.Parallel()
	accept := func() (net.Conn, weak.Pointer[detect.Accepted]) {
		accepted := detect.WatchAccepted(fixture.Listen(t, "tcp", "127.0.0.1:0"))
		defer accepted.Close()
		client, err := net.Dial("tcp", accepted.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		conn, err := accepted.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return conn, weak.Make(accepted)
	}
	conn, accepted := accept()
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := settle.Until(ctx, func() error {
		if runtime.GC(); accepted.Value() != nil {
			return errors.New("the listener was not collected")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
