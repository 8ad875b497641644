package regress_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// generatedCrowd is a hub for the lives of the witness and for requests of its pages. It depends
// on no property of the mutant.
type generatedCrowd struct {
	target  *hubtest.Target
	public  *httptest.Server
	private *httptest.Server
	next    atomic.Int64
	landed  atomic.Int64
	failed  atomic.Int64
}

func startGeneratedCrowd(t *testing.T) *generatedCrowd {
	t.Helper()
	target, err := hubtest.Start(witnessConfig())
	if err != nil {
		t.Fatal(err)
	}
	handler, _ := admin.Private(target.Hub, admin.PrivateConfig{})
	return &generatedCrowd{
		target: target, private: httptest.NewServer(handler),
		public: httptest.NewServer(admin.Public(target.Hub, admin.PublicConfig{Metrics: true})),
	}
}

// lives returns the lives of the witness whose peers leave, with those that request pages and the
// edge cases.
func (c *generatedCrowd) lives() []life {
	leaving := slices.DeleteFunc(allLives(), func(l life) bool { return l.stays })
	return append(leaving,
		life{name: "pages", atOnce: 4, live: c.livePages}, life{name: "follow", atOnce: 2, live: c.liveFollow}, life{name: "operator", atOnce: 4, live: liveOperator},
		life{name: "malformed", atOnce: 16, live: liveMalformed}, life{name: "strict", atOnce: 4, ownHub: true, live: liveStrict})
}

// send runs n lives of a kind on the hub.
func (c *generatedCrowd) send(ctx context.Context, t *testing.T, l life, n int) {
	var all sync.WaitGroup
	var begun atomic.Int64
	for range min(n, l.atOnce) {
		all.Go(func() {
			for begun.Add(1) <= int64(n) {
				if err := c.live(ctx, l); err == nil {
					c.landed.Add(1)
				} else if c.failed.Add(1) <= 5 {
					t.Logf("%s: %v", l.name, err)
				}
			}
		})
	}
	all.Wait()
}

// live runs one life. If it does not end in time, its goroutine is abandoned.
func (c *generatedCrowd) live(ctx context.Context, l life) error {
	ctx, cancel := context.WithTimeout(ctx, generatedWait)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil { // a broken hub may make a life panic
				ended <- fmt.Errorf("panic: %v", v)
			}
		}()
		ended <- l.live(ctx, c.target, visit(c.target, int(c.next.Add(1))))
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(generatedWait + time.Second):
		return errors.New("the life does not end")
	}
}

// generatedWait bounds a life.
const generatedWait = 5 * time.Second

// round runs dose lives of each kind at once, fewer of the slow ones.
func (c *generatedCrowd) round(ctx context.Context, t *testing.T, lives []life, dose int) {
	var all sync.WaitGroup
	for _, l := range lives {
		n := dose
		if slices.Contains(slowLives, l.name) {
			n = max(2, dose/4)
		}
		all.Go(func() { c.send(ctx, t, l, n) })
	}
	all.Wait()
}

// slowLives are lives that wait for timeouts of the hub or send many messages.
var slowLives = []string{
	"vanish", "mute", "reconnect", "trickle", "stall", "flood", "large", "duplicate", "half-frame",
	"start-stop", "cut-off", "full", "unauthorized", "pages", "follow", "operator", "strict",
}

// livePages requests every page.
func (c *generatedCrowd) livePages(ctx context.Context, _ *hubtest.Target, _ *harness.Visit) error {
	var errs []error
	for _, path := range []string{"/health", "/hubs", "/livez", "/readyz", "/metrics", "/nothing"} {
		errs = append(errs, readPage(ctx, http.MethodGet, c.public.URL+path))
	}
	errs = append(errs, readPage(ctx, http.MethodOptions, c.public.URL+"/health"))
	for _, path := range []string{"/", "/livez", "/readyz", "/metrics", "/debug/state", "/debug/pprof/goroutine?debug=1"} {
		errs = append(errs, readPage(ctx, http.MethodGet, c.private.URL+path))
	}
	return errors.Join(errs...)
}

// newPageClient returns a client without keep-alive. The default client would retain an entry
// for each server.
func newPageClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

// readPage requests a page and discards its body. The status does not matter.
func readPage(ctx context.Context, method, url string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	res, err := newPageClient().Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close())
}

// liveFollow follows the operator's pages on one connection.
func (c *generatedCrowd) liveFollow(ctx context.Context, _ *hubtest.Target, v *harness.Visit) error {
	return followPages(ctx, c.private.URL, v.ID)
}

// liveOperator makes, uses and stops a private handler.
func liveOperator(ctx context.Context, target *hubtest.Target, _ *harness.Visit) error {
	handler, stop := admin.Private(target.Hub, admin.PrivateConfig{})
	defer stop()
	server := httptest.NewServer(handler)
	defer server.Close()
	return readPage(ctx, http.MethodGet, server.URL+"/debug/state")
}

// figures are the plain counts of what a process holds, by name.
type figures map[string]float64

// settledFigures returns the figures when none falls any more, after eight seconds at most.
func (c *generatedCrowd) settledFigures() figures {
	end := time.Now().Add(8 * time.Second)
	last := c.figures()
	for steady := 0; steady < 4 && time.Now().Before(end); steady++ {
		time.Sleep(100 * time.Millisecond) // between two samples
		now := c.figures()
		for name := range now {
			if now[name] < last[name] {
				steady = 0
			}
		}
		last = now
	}
	return last
}

func (c *generatedCrowd) figures() figures {
	f := figures{"goroutines": float64(runtime.NumGoroutine())}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		f["descriptors"] = float64(len(entries)) // before the GC, which would close leaked descriptors
	}
	for range 3 {
		runtime.GC()
	}
	st := memory()
	f["objects"], f["bytes"] = float64(st.HeapObjects), float64(st.HeapAlloc)
	for name, v := range c.gauges() {
		f["hub "+name] = v
	}
	return f
}

// gauges returns the gauges of the hub, or nil after an error.
func (c *generatedCrowd) gauges() map[string]float64 {
	all, err := c.target.Gauges()
	if err != nil {
		return nil
	}
	return all
}

// leaksBy returns how a figure grew with the dose in each of three rounds, or "" if none did. The
// third round has twice the dose of the others.
func leaksBy(read []figures) string {
	if len(read) != 4 {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(read[0])) {
		one, two, three := read[1][name]-read[0][name], read[2][name]-read[1][name], read[3][name]-read[2][name]
		if min(one, two) >= growthFloor(name) && three >= 1.3*min(one, two) && three <= 5*max(one, two) {
			return fmt.Sprintf("%s grew by %.0f, %.0f and, of twice as many lives, %.0f", name, one, two, three)
		}
	}
	return ""
}

// growthFloor returns the growth in a round that a hub without a mutant stays below.
func growthFloor(figure string) float64 {
	switch figure {
	case "objects":
		return 40
	case "bytes":
		return 64 << 10
	}
	return 3
}
