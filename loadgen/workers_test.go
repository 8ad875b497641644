package loadgen

import (
	"context"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// totals are the counts that must not depend on the number of processes.
type totals struct {
	Lives      int64
	Scenarios  map[string]verdict.Scenario
	Deliveries delivery.Counts
	Connects   int64
	Answers    int64
	Pings      int64
}

func totalsOf(r report.Result) totals {
	count := func(h latency.Hop) int64 { return r.Latencies.Hops[h].Latency.Count() }
	scenarios := map[string]verdict.Scenario{} // which one began first is up to chance
	for _, s := range r.Verdict.Scenarios {
		scenarios[s.Name] = s
	}
	return totals{r.Verdict.Run.Lives, scenarios, r.Deliveries, count(latency.HopConnect), count(latency.HopAnswer), count(latency.HopPing)}
}

func planWith(t testing.TB, word string, figures plan.Phase) plan.Plan {
	t.Helper()
	p, err := PlanOf(word)
	if err == nil {
		p.Seed = 41
		p, err = With(p, figures)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// runOnHub runs a plan against a new hub of this repository.
func runOnHub(t *testing.T, cfg Config) report.Result {
	t.Helper()
	target, err := hubtest.Start(hub.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cfg.URL = target.URL()
	r := run(t, cfg)
	if err := target.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	return r
}

// sharedPlans are plans of which each peer and message counts.
func sharedPlans(t *testing.T) map[string]plan.Plan {
	return map[string]plan.Plan{
		"signal":   planWith(t, "signal", plan.Phase{Peers: 60, Rate: 150, Duration: 2 * time.Second, Networks: 12}),
		"one room": planWith(t, "signal", plan.Phase{Peers: 40, Rate: 150, Duration: time.Second, Networks: 1}),
		"spike":    planWith(t, "spike", plan.Phase{Peers: 40, Rate: 200, Duration: 100 * time.Millisecond, Networks: 4, Params: map[string]string{"herds": "1", "wait": "100ms"}}),
		"fanout":   planWith(t, "fanout", plan.Phase{Peers: 40, Rate: 100}),
		"churn":    planWith(t, "churn", plan.Phase{Peers: 120, Rate: 200, Networks: 10, Params: map[string]string{"stay": "50ms", "vanish": "300ms"}}),
	}
}

// A run of two workers gives the same totals as one process.
func TestWorkersGiveTheSameTotals(t *testing.T) {
	t.Parallel()
	wantSameTotals(t, func(_ *testing.T, cfg *Config) { cfg.Recruiter = testProcesses })
}

// wantSameTotals runs each of the plans in one process and shared by two.
func wantSameTotals(t *testing.T, recruit func(*testing.T, *Config)) {
	t.Helper()
	for name, p := range sharedPlans(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alone := totalsAlone(t, name, p)
			cfg := Config{Plan: p, Workers: 2}
			recruit(t, &cfg)
			shared := runOnHub(t, cfg)
			if got := totalsOf(shared); !reflect.DeepEqual(got, alone) {
				t.Errorf("two workers: %+v\none process: %+v", got, alone)
			}
			if v := shared.Verdict; len(v.Failures)+len(v.Invalid) > 0 || len(shared.Errors) > 0 {
				t.Errorf("outcome %s, errors %v", v.Outcome, shared.Errors)
			}
		})
	}
}

// totalsAlone returns the totals of a plan in one process, which runs once for all tests.
func totalsAlone(t *testing.T, name string, p plan.Plan) totals {
	t.Helper()
	v, _ := runsAlone.LoadOrStore(name, new(runAlone))
	r := v.(*runAlone)
	r.once.Do(func() { r.totals = totalsOf(runOnHub(t, Config{Plan: p})) })
	return r.totals
}

var runsAlone sync.Map // *runAlone by name of the plan

type runAlone struct {
	once   sync.Once
	totals totals
}

// Workers do the blocks of the leak experiment, and the leak is found and named.
func TestWorkersCheck(t *testing.T) {
	t.Parallel()
	checkForALeak(t, 21, Config{Workers: 3, Recruiter: testProcesses})
}

// checkForALeak checks a hub that retains the records of peers that offered, which one
// scenario does.
func checkForALeak(t *testing.T, seed uint64, cfg Config) {
	t.Helper()
	cfg.URL, cfg.Plan = (&toyHub{leakOffers: true}).start(t), quickCheck(t, seed)
	wantLeakOfSignals(t, run(t, cfg).Verdict)
}

// wantLeakOfSignals fails the test unless a verdict has the leak of one record per peer that
// offered, by the health page alone, and names the scenario.
func wantLeakOfSignals(t *testing.T, v verdict.Verdict) {
	t.Helper()
	if v.Outcome != verdict.Leaking || len(v.Leaks) != 1 || v.Leaks[0].Source.String() != "scenario signal" || v.Leaks[0].Field != "health.peers" {
		t.Errorf("outcome %s with leaks %+v", v.Outcome, v.Leaks)
	}
	if s := v.Leaks; len(s) == 1 && (s[0].Source.PerPeer < .95 || s[0].Source.PerPeer > 1.05) {
		t.Errorf("%.2f per peer", s[0].Source.PerPeer)
	}
}

// A worker that is killed, while peers arrive, makes the run invalid, which says so and
// nothing else; the others end.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	p := planWith(t, "ramp", plan.Phase{Peers: 400, Rate: 150, Duration: time.Minute, Networks: 10})
	started, killed := make(chan cluster.Link, 1), make(chan time.Time, 1)
	kill := func() {
		w := <-started
		killed <- time.Now()
		w.(*cluster.Process).Kill()
	}
	cfg := Config{Plan: p, Watch: atPeers(50, kill), Workers: 2, Recruiter: recruiterOf(func(ctx context.Context, n int) ([]cluster.Link, error) {
		links, err := testProcesses.Recruit(ctx, n, nil)
		if err == nil {
			started <- links[1]
		}
		return links, err
	})}
	r := runOnHub(t, cfg)
	if v := r.Verdict; v.Outcome != verdict.Invalid || len(v.Invalid) != 1 || !strings.Contains(v.Invalid[0].What, "worker 2 of 2") || !strings.Contains(v.Invalid[0].What, "killed") {
		t.Errorf("outcome %s, invalid for %v", v.Outcome, v.Invalid)
	}
	if took := time.Since(<-killed); took > 40*time.Second {
		t.Errorf("the run took %s more", took)
	}
}

// recruiterOf makes a recruiter of a function.
type recruiterOf func(context.Context, int) ([]cluster.Link, error)

func (f recruiterOf) Recruit(ctx context.Context, n int, _ *slog.Logger) ([]cluster.Link, error) {
	return f(ctx, n)
}

func (recruiterOf) Elsewhere() bool { return false }

// A run with workers that is interrupted ends them, and is invalid.
func TestInterruptedWorkers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := &toyHub{}
	r, err := Run(ctx, Config{Watch: atPeers(20, cancel), URL: h.start(t), Plan: planWith(t, "ramp", plan.Phase{Peers: 100, Rate: 100, Duration: time.Minute, Networks: 10}), Workers: 2, Recruiter: testProcesses})
	if err != nil || r.Verdict.Outcome != verdict.Invalid || !strings.Contains(r.Verdict.Invalid[0].What, "interrupted") {
		t.Errorf("outcome %s, invalid for %v: %v", r.Verdict.Outcome, r.Verdict.Invalid, err)
	}
	h.wantNobody(t)
}

// A worker whose parent has ended ends, and so do its connections.
func TestOrphan(t *testing.T) {
	t.Parallel()
	h := &toyHub{}
	url := h.start(t)
	w, err := testProcesses.Start()
	if err != nil {
		t.Fatal(err)
	}
	p := planWith(t, "ramp", plan.Phase{Peers: 50, Rate: 200, Duration: time.Minute})
	if err := w.Send(cluster.Parcel{Job: &cluster.Job{URL: url, Plan: p, Of: 1}}); err != nil {
		t.Fatal(err)
	}
	if f, err := w.Receive(); err != nil || f.Ready == nil {
		t.Fatalf("%+v: %v", f, err)
	}
	if err := w.Send(cluster.Parcel{Order: &cluster.Order{}}); err != nil {
		t.Fatal(err)
	}
	for connected := int64(0); connected < 20; {
		f, err := w.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if f.Delta != nil {
			connected += f.Delta.Counts.Open
		}
	}
	w.Stdin.Close() // as the system does for a parent that was killed
	for err == nil {
		_, err = w.Receive()
	}
	if how, ended := w.Ended(); how != nil || !ended {
		t.Errorf("the worker ended: %t, with %v", ended, how)
	}
	h.wantNobody(t)
}

// A plan that is too small to be shared is refused.
func TestTooFewPeers(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Config{URL: "ws://127.0.0.1:1", Plan: planWith(t, "ramp", plan.Phase{Peers: 15}), Workers: 2, Recruiter: testProcesses})
	if err == nil || !strings.Contains(err.Error(), "at least 16 for 2 workers") {
		t.Errorf("got %v", err)
	}
}

// The shares of a stage are a partition of its peers and actions.
func TestSharesArePartition(t *testing.T) {
	t.Parallel()
	for _, networks := range []int{1, 7, 40} {
		for of := 1; of <= 5; of++ {
			const n = 500
			owners := make([]int, n)
			for index := range of {
				s := &phaseRun{share: share{index, of}, seed: 9, networks: make([]*network, networks)}
				mine := 0
				for i := range n {
					if s.hasPeer(placePeer, i) {
						owners[i]++
						mine++
					}
				}
				if mine < n/of/2 {
					t.Errorf("%d networks: share %d of %d has %d of %d peers", networks, index, of, mine, n)
				}
			}
			for i, owned := range owners {
				if owned != 1 {
					t.Fatalf("%d networks, %d shares: peer %d is in %d of them", networks, of, i, owned)
				}
			}
		}
	}
}

// wantNobody waits until no connection to the hub is open.
func (h *toyHub) wantNobody(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; pause(t.Context(), 10*time.Millisecond) {
		h.mu.Lock()
		open := len(h.open)
		h.mu.Unlock()
		if open == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d connections are open still", open)
		}
	}
}
