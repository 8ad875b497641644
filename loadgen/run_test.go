package loadgen

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// quickCheck is a short check: a leak of each peer of a scenario is certain after few
// peers.
func quickCheck(t *testing.T, seed uint64) plan.Plan {
	t.Helper()
	p, err := PlanOf("check")
	if err != nil {
		t.Fatal(err)
	}
	p.Seed = seed
	p, err = With(p, plan.Phase{Peers: 420, Rate: 200, Networks: 3, Duration: 2 * time.Minute, Params: map[string]string{
		"stay": "60ms", "vanish": "200ms", "pairs": "6", "off": "0s", "confirm": "1s", residentsParam: "0", roughParam: string(RoughNo),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// impatient finds a dead target soon.
var impatient = waits{
	quiet: time.Second, longestQuiet: 2 * time.Second, settle: 4 * time.Second, page: 2 * time.Second, rest: time.Second,
	answer: 2 * time.Second, delivery: time.Second,
}

// run runs a plan, and logs the report if the test fails.
func run(t *testing.T, cfg Config) report.Result {
	t.Helper()
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			var b strings.Builder
			_ = r.WriteText(&b)
			t.Log("\n" + b.String())
		}
	})
	return r
}

// atPeers returns a Watch function that calls do once when n peers are connected: how long
// that takes depends on the machine.
func atPeers(n int, do func()) func(Status) {
	return func(s Status) {
		if s.Connections >= n && do != nil {
			do()
			do = nil
		}
	}
}

// What a hub keeps for a while and then lets go is no leak.
func TestLateReleaseIsNoLeak(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for half a minute")
	}
	t.Parallel()
	planned, err := With(quickCheck(t, 17), plan.Phase{Params: map[string]string{"confirm": "10s"}})
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, Config{URL: (&toyHub{releaseLate: 2 * time.Second}).start(t), Plan: planned})
	if v := r.Verdict; len(v.Leaks)+len(v.Invalid) > 0 {
		t.Errorf("outcome %s", v.Outcome)
	}
}

// The same hub without the leak passes.
func TestCheckPasses(t *testing.T) {
	t.Parallel()
	r := run(t, Config{URL: (&toyHub{}).start(t), Plan: quickCheck(t, 12)})
	if r.Verdict.Outcome != verdict.Pass || len(r.Verdict.NotLeaking) != 13 {
		t.Errorf("outcome %s, not leaking: %v", r.Verdict.Outcome, r.Verdict.NotLeaking)
	}
	if d := r.Deliveries; d.Sent == 0 || d.Lost+d.Misrouted+d.Unexpected > 0 {
		t.Errorf("deliveries %+v", d)
	}
}

// The hub of this repository passes.
func TestCheckOfOurHub(t *testing.T) {
	t.Parallel()
	r := run(t, Config{URL: startHubProcess(t), Plan: quickCheck(t, 13)})
	// Its heap is read without a GC: of that the run may be unsure.
	if v := r.Verdict; len(v.Leaks)+len(v.Invalid)+len(v.Failures) > 0 || len(v.Trends) < 3 {
		t.Errorf("outcome %s with %d series", v.Outcome, len(v.Trends))
	}
}

// A target that dies is a failure that says so.
func TestCheckOfAHubThatDies(t *testing.T) {
	t.Parallel()
	h := &toyHub{}
	url := h.start(t)
	r := run(t, Config{URL: url, Plan: quickCheck(t, 14), waits: impatient, Watch: atPeers(5, h.kill)})
	if r.Verdict.Outcome != verdict.Failed || !strings.Contains(r.Verdict.Failures[0].What, "does not answer any more") {
		t.Errorf("outcome %s, failures %v", r.Verdict.Outcome, r.Verdict.Failures)
	}
}

// Profiles that only put load on. The peers of churn stay longer than connecting takes on a busy
// machine, and leave over five seconds: if the machine stands still for two and many leave at once,
// some still hear of others.
func TestProfiles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		word    string
		figures plan.Phase
		hops    []latency.Hop
		lives   int64
	}{
		{"ramp", plan.Phase{Peers: 60, Rate: 300, Duration: 50 * time.Millisecond, Networks: 5}, []latency.Hop{latency.HopConnect, latency.HopConnected, latency.HopDiscoveryFirst, latency.HopDiscoveryAll}, 61},
		{"steady", plan.Phase{Peers: 40, Rate: 300, Duration: time.Second, Networks: 4}, []latency.Hop{latency.HopPing}, 41},
		{"churn", plan.Phase{Peers: 100, Rate: 20, Networks: 2, Params: map[string]string{"stay": "3s", "vanish": "300ms"}}, []latency.Hop{latency.HopNotice}, 101},
		{"signal", plan.Phase{Peers: 30, Rate: 200, Duration: time.Second, Networks: 3}, []latency.Hop{latency.HopOffer, latency.HopAnswer, latency.HopCandidate}, 31},
	} {
		t.Run(tt.word, func(t *testing.T) {
			t.Parallel()
			target, err := hubtest.Start(hub.Config{})
			if err != nil {
				t.Fatal(err)
			}
			p, err := PlanOf(tt.word)
			if err == nil {
				p, err = With(p, tt.figures)
			}
			if err != nil {
				t.Fatal(err)
			}
			r := run(t, Config{URL: target.URL(), Plan: p})
			if err := target.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			for _, h := range tt.hops {
				if r.Latencies.Hops[h].Latency.Count() == 0 {
					t.Errorf("no time of %s was taken", h)
				}
			}
			if len(r.Errors) > 0 || r.Verdict.Run.Lives != tt.lives || len(r.Verdict.Failures)+len(r.Verdict.Invalid) > 0 {
				t.Errorf("%d lives, errors %v, outcome %s", r.Verdict.Run.Lives, r.Errors, r.Verdict.Outcome)
			}
			if d := r.Deliveries; d.Lost+d.Misrouted+d.Duplicated+d.Unexpected > 0 || tt.word == "signal" && d.Delivered < 400 {
				t.Errorf("deliveries %+v", d)
			}
		})
	}
}

// A hub that delivers into another network fails.
func TestMisroutedFails(t *testing.T) {
	t.Parallel()
	p, err := PlanOf("signal")
	if err == nil {
		p, err = With(p, plan.Phase{Peers: 4, Rate: 100, Duration: 100 * time.Millisecond, Networks: 1})
	}
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, Config{URL: (&toyHub{swapNetwork: true}).start(t), Plan: p})
	if r.Verdict.Outcome != verdict.Failed || r.Deliveries.Misrouted == 0 {
		t.Errorf("outcome %s, deliveries %+v", r.Verdict.Outcome, r.Deliveries)
	}
}

// The end of the context ends the run, with a result, and leaves no connection.
func TestInterruptedRun(t *testing.T) {
	t.Parallel()
	h := &toyHub{}
	url := h.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := Run(ctx, Config{URL: url, Plan: quickCheck(t, 15), Watch: atPeers(1, cancel)})
	if err != nil || r.Verdict.Outcome != verdict.Invalid {
		t.Errorf("outcome %s: %v", r.Verdict.Outcome, err)
	}
	for _, reason := range r.Verdict.Invalid {
		if strings.Contains(reason.What, "did what it says") {
			t.Errorf("beside the interruption the run is invalid because %s", reason.What)
		}
	}
	for end := time.Now().Add(10 * time.Second); ; {
		h.mu.Lock()
		open := len(h.open)
		h.mu.Unlock()
		if open == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d connections are open still", open)
		}
		pause(t.Context(), 10*time.Millisecond)
	}
}

// Without a target the run does not begin.
func TestNoTarget(t *testing.T) {
	t.Parallel()
	if _, err := Run(t.Context(), Config{URL: "ws://127.0.0.1:1", Plan: quickCheck(t, 16)}); err == nil {
		t.Error("a run against nothing began")
	}
}

// What a report has is there, and the seed replays the plan.
func TestReport(t *testing.T) {
	t.Parallel()
	p, err := PlanOf("ramp")
	if err == nil {
		p, err = With(p, plan.Phase{Peers: 3, Rate: 100, Duration: time.Millisecond})
	}
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, Config{URL: (&toyHub{}).start(t), Plan: p, Command: "loadgen ramp"})
	dir := t.TempDir()
	if err := r.WriteReport(dir); err != nil {
		t.Fatal(err)
	}
	if r.Plan.Seed == 0 {
		t.Error("the result does not hold the seed that was drawn")
	}
	if a, b := schedule.PeerID(r.Plan.Seed, 1, 2), schedule.PeerID(r.Plan.Seed, 1, 2); a != b || !a.Valid() || a == schedule.PeerID(r.Plan.Seed, 2, 1) {
		t.Errorf("ids of peers: %s, %s", a, b)
	}
}
