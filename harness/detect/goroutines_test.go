package detect_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

func TestGoroutinesNamesTheGoStatement(t *testing.T) {
	h := fixture.NewHerd(t)
	h.Leak(3) // goroutines of the baseline do not count
	found := findIn(t, &detect.Goroutines{}, []int64{5, 7}, func(_ int, dose int64) { h.Leak(dose) })
	f := wantOne(t, found, verdict.Goroutine, 12, "(*Herd).Leak")
	wantCycles(t, f, 5, 7)
	if !strings.HasSuffix(f.Born.File, "leaks.go") || f.Born.Line == 0 || !strings.Contains(f.Detail, "(*Herd).wait") {
		t.Errorf("born %s\n%s", f.Born, f.Detail)
	}
}

// One goroutine of 10,000 is found.
func TestGoroutinesFindsOne(t *testing.T) {
	h, crowd := fixture.NewHerd(t), fixture.NewHerd(t)
	crowd.Leak(10_000)
	found := findIn(t, &detect.Goroutines{}, []int64{1}, func(int, int64) {
		h.WG.Go(func() { <-h.Done })
	})
	// WaitGroup.Go has the go statement. The function of its caller is reported.
	wantOne(t, found, verdict.Goroutine, 1, "TestGoroutinesFindsOne")
}

// A function started by two go statements is two leaks. One that waits at two lines is one leak.
func TestGoroutinesGroupsByPlace(t *testing.T) {
	h := fixture.NewHerd(t)
	ch := make(chan struct{})
	t.Cleanup(func() { close(ch) }) // before the herd waits
	twoLines := func(even bool) {
		defer h.WG.Done()
		if even {
			<-h.Done
		}
		<-ch
	}
	found := findIn(t, &detect.Goroutines{}, []int64{10}, func(int, int64) {
		h.WG.Add(11)
		for i := range 10 {
			go twoLines(i%3 == 0)
		}
		go twoLines(true)
	})
	if len(found) != 2 || found[0].Count+found[1].Count != 11 || max(found[0].Count, found[1].Count) != 10 {
		wantNone(t, found)
	}
	if !strings.Contains(found[0].Detail, "more at") {
		t.Errorf("the other line is missing: %s", found[0].Detail)
	}
}

// A goroutine of the baseline that waits at another line now is no leak. One that ends soon is
// waited for.
func TestGoroutinesBenign(t *testing.T) {
	h := fixture.NewHerd(t)
	next, slow := make(chan struct{}), make(chan struct{})
	h.WG.Go(func() {
		<-next
		<-h.Done
	})
	found := findIn(t, &detect.Goroutines{Grace: time.Minute}, []int64{1}, func(int, int64) {
		close(next)
		h.WG.Go(func() { <-slow })
		time.AfterFunc(300*time.Millisecond, func() { close(slow) })
	})
	wantNone(t, found)
}

// Labels separate the goroutines of parallel tests, and are inherited.
func TestGoroutinesByLabel(t *testing.T) {
	for _, name := range []string{"leaks", "clean"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			detect.Label(t.Context(), "spec", t.Name())
			h := fixture.NewHerd(t)
			g := &detect.Goroutines{Labels: map[string]string{"spec": t.Name()}}
			found := findIn(t, g, []int64{2, 3}, func(_ int, dose int64) {
				if name == "leaks" {
					h.WG.Go(func() { h.Leak(dose) })
				}
			})
			if name == "clean" {
				wantNone(t, found)
				return
			}
			wantCycles(t, wantOne(t, found, verdict.Goroutine, 5, "(*Herd).Leak"), 2, 3)
		})
	}
}

// Idle connections of a client, and timers and tickers without a reference, are no leaked goroutines.
// A body that is never closed is one.
func TestGoroutinesOfIdleConnections(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.Repeat("x", 1<<20))
	}))
	defer server.Close()
	get := func() *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	wantNone(t, findIn(t, &detect.Goroutines{}, []int64{1}, func(int, int64) {
		resp := get()
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		time.NewTicker(time.Hour)
	}))
	var open *http.Response
	found := findIn(t, &detect.Goroutines{}, []int64{1}, func(int, int64) { open = get() })
	if len(found) != 3 {
		t.Errorf("%d findings, want the client's reader and writer and the server's handler", len(found))
		wantNone(t, found)
	}
	open.Body.Close()
}

func TestGoroutinesEndsWithTheContext(t *testing.T) {
	h := fixture.NewHerd(t)
	g := &detect.Goroutines{}
	if err := g.Baseline(t.Context(), detect.NewReading(0)); err != nil {
		t.Fatal(err)
	}
	h.Leak(1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Cycle(ctx, detect.NewReading(1)); err == nil {
		t.Error("a reading that could not settle is no reading")
	}
	bounded, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := settle.Until(bounded, func() error {
		if err := g.Quiet(); err == nil || !strings.Contains(err.Error(), "1 of ") || !strings.Contains(err.Error(), "(*Herd).wait") {
			return fmt.Errorf("got %w", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A timer that ends a context starts a goroutine that takes time to end it.
func TestGoroutinesFindNotTheirOwn(t *testing.T) {
	h := fixture.NewHerd(t)
	release := make(chan struct{})
	defer close(release)
	g := &detect.Goroutines{Grace: 50 * time.Millisecond}
	ctx := slowContext{t.Context(), release}
	if err := g.Baseline(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	h.Leak(1)
	if err := g.Cycle(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	found, err := g.Findings(ctx)
	if err != nil {
		t.Fatal(err)
	}
	wantOne(t, found, verdict.Goroutine, 1, "(*Herd).Leak")
}

// slowContext holds the goroutine with which the timeout of a context derived from it passes.
type slowContext struct {
	context.Context
	release chan struct{}
}

func (c slowContext) Value(key any) any {
	if bytes.Contains(debug.Stack(), []byte("created by time.goFunc")) {
		<-c.release
	}
	return c.Context.Value(key)
}
