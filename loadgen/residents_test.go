package loadgen

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// quickBound is the bound of what a toy hub may retain for a session, in place of a large one.
const quickBound = 200

// stayWith runs the experiment with three residents, for a time at most. Growth is no filling after quickBound
// events of each.
func stayWith(t *testing.T, url string, seed uint64, most time.Duration) report.Result {
	t.Helper()
	r, y := quickResidency(t, url, seed, most)
	if err := y.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	result := r.result(report.Timeline{})
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("\n" + evidenceOf(&result))
		}
	})
	return result
}

// quickResidency returns an experiment that stayWith runs, and its runner.
func quickResidency(t *testing.T, url string, seed uint64, most time.Duration) (*runner, *residency) {
	t.Helper()
	p, err := PlanOf("residents")
	if err == nil {
		p.Seed = seed
		p, err = With(p, plan.Phase{Peers: 320, Rate: 400, Duration: most, Params: map[string]string{residentsParam: "3", "stay": "20ms", "confirm": "100ms"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	waits := usualWaits
	waits.quiet, waits.longestQuiet = 500*time.Millisecond, 10*time.Second // on a busy machine messages of a block are that late
	r, err := newRunner(Config{URL: url, Plan: p, waits: waits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.fleet.closeAll(leavePatience) })
	r.target = discover(t.Context(), r.cfg)
	r.run.Detectors = r.target.detectors()
	y := newResidency(newPhaseRun(r, 0), nil)
	y.bound = quickBound
	return r, y
}

// Residents that are disconnected are replaced, and the experiment begins anew.
func TestResidentsAreReplaced(t *testing.T) {
	t.Parallel()
	h := &toyHub{}
	_, y := quickResidency(t, h.start(t), 64, 0)
	if !y.admit(t.Context()) || !y.exchange(t.Context(), 0) {
		t.Fatal("it did not begin")
	}
	h.closeAll(false)
	y.await(t.Context(), y.residents, (*Peer).isOver)
	if !y.replace(t.Context(), 0) || staying(y.residents) != 3 || y.lost != 3 || len(y.blocks) != 0 || len(y.marks) != 1 {
		t.Errorf("%d stay, %d were lost, %d blocks", staying(y.residents), y.lost, len(y.blocks))
	}
	if !y.exchange(t.Context(), 1) || len(y.marks) != 3 {
		t.Errorf("%d marks", len(y.marks))
	}
	y.clear()
}

// The visitors that the end of the time cuts off did not fail: the target is not to blame.
func TestResidentsCutOff(t *testing.T) {
	t.Parallel()
	_, y := quickResidency(t, (&toyHub{}).start(t), 65, 0)
	ctx, cancel := context.WithCancel(t.Context())
	y.watch = func(*Peer, codec.Event) bool {
		cancel() // while the first visitor stays
		return false
	}
	y.stir(ctx, 0, 5)
	if len(y.counters.scenarios()) == 0 {
		t.Error("no visitor came")
	}
	for _, c := range y.counters.scenarios() {
		if c.Planned > c.Landed {
			t.Errorf("%d planned, %d landed", c.Planned, c.Landed)
		}
	}
}

// What a hub collects for a peer that stays is a leak of residents, unless it may have a bound.
func TestResidents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		history int64
		most    time.Duration // 0 for the default
		leaks   bool
	}{"each": {math.MaxInt64, 0, true}, "bounded": {quickBound, 4 * time.Second, false}, "none": {0, 0, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := stayWith(t, (&toyHub{history: tt.history, tellsLeft: true}).start(t), 61, tt.most).Verdict
			if len(v.Invalid)+len(v.Failures) > 0 {
				t.Errorf("invalid %v, failures %v", v.Invalid, v.Failures)
			}
			for _, l := range v.Leaks {
				if !tt.leaks || !slices.Equal(l.Source.Scenarios(), []string{residentsName}) || l.Unit != verdict.PerEvent {
					t.Errorf("leak of %v, per %s", l.Source.Scenarios(), l.Unit)
				}
			}
			if tt.leaks && len(v.Leaks) == 0 {
				t.Error("no leak")
			}
			if name == "none" && v.Outcome != verdict.Pass {
				t.Errorf("outcome %s", v.Outcome)
			}
		})
	}
}

// The hub of this repository collects nothing for peers that stay. Its memory is read without a
// GC, so that may be undecided.
func TestResidentsOfOurHub(t *testing.T) {
	t.Parallel()
	v := stayWith(t, startHubProcess(t), 62, 4*time.Second).Verdict
	if len(v.Leaks)+len(v.Invalid)+len(v.Failures) > 0 {
		t.Errorf("outcome %s", v.Outcome)
	}
}
