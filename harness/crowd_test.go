package harness_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// came records the peers of a crowd in their order.
type came struct {
	mu     sync.Mutex
	visits []string // scenario, index, id and a random number of the peer
	ids    []wire.PeerID
}

func (c *came) live(_ context.Context, v *harness.Visit) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.visits = append(c.visits, fmt.Sprintf("%s in %s %s %d", v.Name, v.Home, v.ID, v.Rand.Uint64()))
	c.ids = append(c.ids, v.ID)
	return nil
}

// crowdOf sends 40 peers of each of two scenarios, one after the other.
func crowdOf(t *testing.T, seed uint64, cycle int, returns bool) (*came, *harness.Crowd) {
	t.Helper()
	c := &came{}
	crowd := &harness.Crowd{Seed: seed, AtOnce: 1, Scenarios: []harness.Scenario{
		{Name: "one", Live: c.live}, {Name: "two", Live: c.live, Returns: returns},
	}}
	a := crowd.Send(t.Context(), cycle, map[string]int64{"one": 40, "two": 40})
	if err := a.Err(); err != nil || a.Lives() != 80 {
		t.Fatalf("%d landed: %v", a.Lives(), err)
	}
	return c, crowd
}

// With the same seed the same peers come in the same order and draw the same numbers. Another seed
// or cycle has other peers.
func TestCrowdIsReplayed(t *testing.T) {
	t.Parallel()
	first, _ := crowdOf(t, 1, 1, false)
	again, _ := crowdOf(t, 1, 1, false)
	if !slices.Equal(first.visits, again.visits) {
		t.Error("the same seed gave two crowds")
	}
	if slices.IsSorted(first.visits) {
		t.Error("the scenarios are not mixed")
	}
	seed, _ := crowdOf(t, 2, 1, false)
	cycle, _ := crowdOf(t, 1, 2, false)
	for what, other := range map[string]*came{"seed": seed, "cycle": cycle} {
		if shared := shareIDs(first.ids, other.ids); len(shared) > 0 {
			t.Errorf("another %s has peers of the same ids: %v", what, shared[0])
		}
	}
}

func shareIDs(a, b []wire.PeerID) []wire.PeerID {
	return slices.DeleteFunc(slices.Clone(a), func(id wire.PeerID) bool { return !slices.Contains(b, id) })
}

// A label names the scenario and the peer of an id, whatever the last digit. An id of another crowd
// has none.
func TestCrowdLabel(t *testing.T) {
	t.Parallel()
	c, crowd := crowdOf(t, 7, 3, false)
	seen := map[string]bool{}
	for _, id := range c.ids {
		if !id.Valid() {
			t.Errorf("%q is no id", id)
		}
		label := crowd.Label(id)
		if beside := crowd.Label(id[:wire.PeerIDLen-1] + "f"); beside != label {
			t.Errorf("the peer beside %q is %q", label, beside)
		}
		if !strings.HasSuffix(label, " of cycle 3") || seen[label] {
			t.Errorf("label %q", label)
		}
		seen[label] = true
	}
	if !seen["one/0 of cycle 3"] || !seen["two/39 of cycle 3"] || len(seen) != 80 {
		t.Errorf("%d labels: %v", len(seen), seen)
	}
	other, _ := crowdOf(t, 8, 3, false)
	for _, id := range []wire.PeerID{other.ids[0], wire.NewPeerID(), "", "x", wire.PeerID(strings.Repeat("f", 40)), wire.PeerID(strings.Repeat("0", 40))} {
		if label := crowd.Label(id); label != "" {
			t.Errorf("%q is not of this crowd: %q", id, label)
		}
	}
}

// Peers of a scenario with Returns have the same ids in each cycle.
func TestCrowdReturns(t *testing.T) {
	t.Parallel()
	first, _ := crowdOf(t, 1, 1, true)
	second, _ := crowdOf(t, 1, 2, true)
	if shared := shareIDs(first.ids, second.ids); len(shared) != 40 {
		t.Errorf("%d came again, want the 40 that return", len(shared))
	}
}

// The number of concurrent peers is AtOnce. Scenarios that wait have their own bound.
func TestCrowdAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var quick, patient, few most
		crowd := &harness.Crowd{AtOnce: 5, Scenarios: []harness.Scenario{
			{Name: "quick", Live: quick.live}, {Name: "patient", Live: patient.live, Waits: true}, {Name: "few", Live: few.live, Waits: true, AtOnce: 3},
		}}
		a := crowd.Send(t.Context(), 0, map[string]int64{"quick": 50, "patient": 50, "few": 50})
		if a.Lives() != 150 || quick.high.Load() != 5 || patient.high.Load() != 50 || few.high.Load() != 3 {
			t.Errorf("%d lives, at once %d, %d, %d", a.Lives(), quick.high.Load(), patient.high.Load(), few.high.Load())
		}
	})
}

// most records the highest number of concurrent peers.
type most struct{ now, high atomic.Int64 }

func (m *most) live(ctx context.Context, _ *harness.Visit) error {
	n := m.now.Add(1)
	defer m.now.Add(-1)
	for high := m.high.Load(); n > high && !m.high.CompareAndSwap(high, n); high = m.high.Load() {
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second) // in the time of a bubble
	defer cancel()
	<-ctx.Done()
	return nil
}

// A life that fails does not land, and the first errors are kept. LifeLimit ends a life.
func TestCrowdErrors(t *testing.T) {
	t.Parallel()
	wrong := errors.New("wrong")
	synctest.Test(t, func(t *testing.T) {
		crowd := &harness.Crowd{LifeLimit: time.Second, Scenarios: []harness.Scenario{
			{Name: "half", Live: func(_ context.Context, v *harness.Visit) error {
				if v.Index%2 == 0 {
					return wrong
				}
				return nil
			}},
			{Name: "long", Waits: true, Live: func(ctx context.Context, _ *harness.Visit) error {
				<-ctx.Done()
				return ctx.Err()
			}},
		}}
		start := time.Now()
		a := crowd.Send(t.Context(), 0, map[string]int64{"half": 20, "long": 4})
		if a.Planned["half"] != 20 || a.Landed["half"] != 10 || a.Landed["long"] != 0 || a.Lives() != 10 {
			t.Errorf("%+v", a)
		}
		if n := len(a.Errors["half"]); n != 3 || !errors.Is(a.Errors["half"][0], wrong) {
			t.Errorf("%d errors kept: %v", n, a.Errors["half"])
		}
		if err := a.Err(); !errors.Is(err, wrong) || !strings.Contains(err.Error(), "10 of 20 peers of scenario half landed") {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took != time.Second || !errors.Is(a.Errors["long"][0], context.DeadlineExceeded) {
			t.Errorf("lives took %s: %v", took, a.Errors["long"])
		}
	})
}

// When the context ends, the present peers end and the others do not come.
func TestCrowdContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var lived atomic.Int64
	crowd := &harness.Crowd{AtOnce: 2, Scenarios: []harness.Scenario{{Name: "one", Live: func(ctx context.Context, _ *harness.Visit) error {
		if lived.Add(1) == 2 {
			cancel()
		}
		<-ctx.Done()
		return ctx.Err()
	}}}}
	a := crowd.Send(ctx, 0, map[string]int64{"one": 1000})
	if a.Lives() != 0 || lived.Load() != 2 || !errors.Is(a.Err(), context.Canceled) {
		t.Errorf("%d lived, %d landed: %v", lived.Load(), a.Lives(), a.Err())
	}
}

// Text that a peer has left in the target has its scenario.
func TestCrowdScenarioOf(t *testing.T) {
	t.Parallel()
	c, crowd := crowdOf(t, 7, 3, false)
	id := c.ids[0]
	scenario, _, _ := strings.Cut(crowd.Label(id), "/")
	for text, want := range map[string]string{
		"one-3-0": "one", "one-3-0/more": "one", "two 17 of cycle 3": "two", `{"peerId":"` + string(id) + `"}`: scenario,
		`{"type":"announce","networkName":"two-3-1"}`: "two", "three-3-0": "", "one-3": "", "one 3": "", "in one-3-0": "", "": "",
	} {
		if got := crowd.ScenarioOf(text); got != want {
			t.Errorf("%q is of scenario %q, want %q", text, got, want)
		}
	}
}

// A peer that the hub should have ended and did not leaves its connection open for the readings,
// and no client: a leak of the hub was reported as one of the client's objects.
func TestCrowdDropsClientsThatLinger(t *testing.T) {
	t.Parallel()
	h := startEchoHub(t)
	collected := make(chan struct{})
	vanish := harness.Patient()[slices.IndexFunc(harness.Patient(), func(s harness.Scenario) bool { return s.Name == "vanish" })]
	live := vanish.Live
	vanish.Live = func(ctx context.Context, v *harness.Visit) error {
		runtime.AddCleanup(v.Peer, func(c chan struct{}) { close(c) }, collected)
		return live(ctx, v)
	}
	crowd := harness.Crowd{Target: h, Scenarios: []harness.Scenario{vanish}, LifeLimit: 300 * time.Millisecond}
	crowd.Send(t.Context(), 0, map[string]int64{"vanish": 1})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := settle.Until(ctx, func() error {
		runtime.GC()
		select {
		case <-collected:
			return nil
		default:
			return errors.New("the client was not collected")
		}
	}); err != nil {
		t.Error(err)
	}
	if gauges, err := h.Gauges(); err != nil || gauges["sessions"] != 1 {
		t.Errorf("%v, %v: want one session", gauges, err)
	}
	crowd.Release()
}
