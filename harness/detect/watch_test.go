package detect

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/internal/toyhub"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// settled returns the findings of Settle, which must not fail.
func settled(t *testing.T, w *Watch) []verdict.Finding {
	t.Helper()
	found, err := w.Settle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// added adds an object and does not retain it.
func added(t *testing.T, w *Watch, object any, label string) {
	t.Helper()
	if err := w.Add(object, label); err != nil {
		t.Fatal(err)
	}
}

func TestWatchFindsOneInAHundredThousand(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	var kept *toyhub.Peer
	for i := range 100_000 {
		p := &toyhub.Peer{}
		added(t, w, p, fmt.Sprintf("rst/peer %d", i))
		if i == 77_777 {
			kept = p
		}
	}
	found := settled(t, w)
	runtime.KeepAlive(kept)
	if len(found) != 1 {
		t.Fatalf("got %d findings, want 1: %v", len(found), found)
	}
	f := found[0]
	if f.Detector != "watch" || f.Class != verdict.Object || f.Type != "*toyhub.Peer" || f.Count != 1 || f.Bytes != 88 || f.PerScenario["rst"] != 1 {
		t.Errorf("got %+v", f)
	}
	if want := "1 of 100000 watched are alive: rst/peer 77777"; f.Detail != want {
		t.Errorf("got %q, want %q", f.Detail, want)
	}
	if f.Born.Function != stack.FuncName(added) {
		t.Errorf("added at %v", f.Born)
	}
	if found := settled(t, w); len(found) != 0 { // it has no reference from here on
		t.Errorf("after it was let go: %v", found)
	}
}

// An object is found, whatever retains it. Retainers without a root in the test come from
// toyhub.Plants.
func TestWatchControls(t *testing.T) {
	w := NewWatch()
	h := toyhub.New()
	func() {
		for _, plant := range toyhub.Plants {
			p := &toyhub.Peer{}
			plant.Put(h, p)
			added(t, w, p, plant.Name+"/x")
		}
	}()
	found := settled(t, w)
	if len(found) != 1 {
		t.Fatalf("got %d findings, want 1", len(found))
	}
	for _, plant := range toyhub.Plants {
		if found[0].PerScenario[plant.Name] != 1 {
			t.Errorf("%s: not seen", plant.Name)
		}
	}
	h.Close()
	runtime.KeepAlive(h)
}

type valueKey struct{}

// An object that is not retained is not found.
func TestWatchNegativeControls(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	var kept []any
	for name, use := range map[string]func(p *toyhub.Peer) any{
		"dropped":       func(p *toyhub.Peer) any { return nil },
		"pooled":        func(p *toyhub.Peer) any { pool := &sync.Pool{}; pool.Put(p); return pool },
		"deleted":       func(p *toyhub.Peer) any { m := map[string]*toyhub.Peer{"x": p}; delete(m, "x"); return m },
		"slices.Delete": func(p *toyhub.Peer) any { return slices.Delete([]*toyhub.Peer{{}, p}, 1, 2) },
		"stopped timer": func(p *toyhub.Peer) any { timer := time.AfterFunc(time.Hour, p.Expire); timer.Stop(); return nil },
		"ticker":        func(p *toyhub.Peer) any { return time.NewTicker(time.Hour) },
		"cancelled": func(p *toyhub.Peer) any {
			ctx, cancel := context.WithCancel(context.Background())
			_, done := context.WithCancel(context.WithValue(ctx, valueKey{}, p))
			done()
			return cancel
		},
		"stopped AfterFunc": func(p *toyhub.Peer) any {
			ctx, cancel := context.WithCancel(context.Background())
			context.AfterFunc(ctx, p.Expire)()
			return cancel
		},
		"finalizer": func(p *toyhub.Peer) any { runtime.SetFinalizer(p, (*toyhub.Peer).Expire); return nil },
		"cleanup":   func(p *toyhub.Peer) any { runtime.AddCleanup(p, func(int) {}, 0); return nil },
		"cycle":     func(p *toyhub.Peer) any { p.Next = &toyhub.Peer{Next: p}; return nil },
		"ended": func(p *toyhub.Peer) any {
			done := make(chan int)
			go func() { p.Expire(); close(done) }()
			<-done
			return done
		},
		"value copied": func(p *toyhub.Peer) any { return *p },
		"queue, pushed on": func(p *toyhub.Peer) any {
			q := []*toyhub.Peer{p}
			for range 100 { // a queue in use is reallocated sometimes
				q = append(q[1:], &toyhub.Peer{})
			}
			return q
		},
	} {
		p := &toyhub.Peer{}
		kept = append(kept, use(p))
		added(t, w, p, name+"/x")
	}
	for _, f := range settled(t, w) {
		t.Errorf("got %+v", f)
	}
	runtime.KeepAlive(kept)
}

// A stopped timer stays in the runtime's heap of timers, with all that it refers to, while many
// others are pending: see timerFlusher.
func TestWatchStoppedTimerAmongWaiting(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	await := func() {
		for range 1000 {
			timer := time.AfterFunc(time.Hour, func() {})
			t.Cleanup(func() { timer.Stop() })
		}
	}
	await()
	for range 10 {
		p := &toyhub.Peer{}
		timer := time.AfterFunc(time.Hour, p.Expire)
		await() // the next timer removes one at the end of the heap
		timer.Stop()
		added(t, w, p, "stopped/x")
	}
	for _, f := range settled(t, w) {
		t.Errorf("got %+v", f)
	}
}

func TestWatchRefuses(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	number, word, pair := new(int), new(uintptr), new([2]uint32)
	for _, bad := range []any{nil, 1, "x", toyhub.Peer{}, map[int]int{}, func() {}, (*toyhub.Peer)(nil), number, word, pair, new(struct{})} {
		if err := w.Add(bad, "x"); !errors.Is(err, ErrNotWatchable) {
			t.Errorf("%T: got %v, want %v", bad, err, ErrNotWatchable)
		}
	}
	for _, good := range []any{&toyhub.Peer{}, new(*int), new([2]uint64), new(string)} {
		if err := w.Add(good, "x"); err != nil {
			t.Errorf("%T: %v", good, err)
		}
	}
	if found := settled(t, w); len(found) != 0 {
		t.Errorf("got %v", found)
	}
}

// An object of an unexported type of another package can be watched.
func TestWatchUnexportedTypes(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	ctx, cancel := context.WithCancel(context.Background())
	added(t, w, ctx, "alice")
	found := settled(t, w)
	if len(found) != 1 || found[0].Type != "*context.cancelCtx" || found[0].PerScenario != nil {
		t.Errorf("got %+v", found)
	}
	cancel()
}

func TestWatchCycles(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	if err := w.Cycle(t.Context(), NewReading(1)); !errors.Is(err, ErrNoBaseline) {
		t.Errorf("cycle without a baseline: %v", err)
	}
	if _, err := w.Findings(t.Context()); !errors.Is(err, ErrNoBaseline) {
		t.Errorf("findings without a baseline: %v", err)
	}
	var kept, late []*toyhub.Peer
	keep := func(n int, to *[]*toyhub.Peer) {
		for i := range n {
			p := &toyhub.Peer{}
			*to = append(*to, p)
			added(t, w, p, fmt.Sprintf("roam/%d", i))
		}
	}
	keep(3, &kept) // before the baseline, so it does not count
	if err := w.Baseline(t.Context(), NewReading(0)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Findings(t.Context()); !errors.Is(err, ErrNoCycle) {
		t.Errorf("findings without a cycle: %v", err)
	}
	for cycle, n := range []int{10, 0, 7} {
		keep(n, &kept)
		if cycle == 1 {
			keep(5, &late)
		}
		if err := w.Cycle(t.Context(), NewReading(int64(n))); err != nil {
			t.Fatal(err)
		}
		late = nil // released in the next cycle
	}
	found, err := w.Findings(t.Context())
	if err != nil || len(found) != 1 || found[0].Count != 17 || !slices.Equal(found[0].PerCycle, []int64{10, 0, 7}) {
		t.Errorf("got %+v, %v", found, err)
	}
	runtime.KeepAlive(kept)
}

func TestWatchEndsWithTheContext(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	kept := &toyhub.Peer{}
	added(t, w, kept, "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if found, err := w.Settle(ctx); !errors.Is(err, context.Canceled) || found != nil {
		t.Errorf("got %v, %v", found, err)
	}
	runtime.KeepAlive(kept)
}

// Add and Closed run concurrently with the GC, which reuses addresses.
func TestWatchConcurrently(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 5_000 {
				p := &toyhub.Peer{}
				if err := w.Open(p, "rst/x"); err != nil {
					t.Error(err)
				}
				if g > 0 || i%10 > 0 {
					w.Closed(p)
				}
			}
		})
	}
	for range 3 {
		settled(t, w)
	}
	wg.Wait()
	found := settled(t, w)
	if len(found) != 1 || found[0].Class != verdict.Unclosed || found[0].Count != 500 {
		t.Errorf("got %+v, want 500 not closed", found)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lives) != 0 || len(w.unclosed) != 0 {
		t.Errorf("the watch itself keeps %d and %d", len(w.lives), len(w.unclosed))
	}
}
