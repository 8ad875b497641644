package loadgen

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
)

// What residents show is added to the verdict of a check, and what the check knows of a probe
// that could not be read stands.
func TestResidentsJoinACheck(t *testing.T) {
	t.Parallel()
	r, err := newRunner(Config{URL: "ws://127.0.0.1:1", Plan: quickCheck(t, 63)})
	if err != nil {
		t.Fatal(err)
	}
	r.run.Detectors = []verdict.Detector{{Name: "health", State: verdict.Ready}, {Name: "proc", State: verdict.Missing}}
	r.run.Trends = []verdict.Trend{{Series: "health.peers", Outcome: verdict.None}}
	side := r.beside(r.plan)
	side.run.Detectors = []verdict.Detector{{Name: "health", State: verdict.Missing}, {Name: "proc", State: verdict.Ready}}
	side.run.Trends = []verdict.Trend{{Series: "health.peers", Scenario: residentsName, Outcome: verdict.Leaking}}
	side.run.Scenarios = []verdict.Scenario{{Name: residentsName, Landed: 1, Unit: verdict.PerEvent}}
	side.fleet.ledger.Add(delivery.Counts{Misrouted: 1})
	r.join(side)
	for _, d := range r.run.Detectors {
		if d.State != verdict.Missing {
			t.Errorf("detector %+v", d)
		}
	}
	if len(r.run.Trends) != 2 || len(r.run.Scenarios) != 1 || len(r.run.Failures) != 1 {
		t.Errorf("%d trends, %d scenarios, failures %v", len(r.run.Trends), len(r.run.Scenarios), r.run.Failures)
	}
}

// A series that leaks by the peers that left is not judged by its growth beside residents. What
// stays when residents leave is not theirs.
func TestResidentsBesideALeak(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		others []verdict.Trend
		left   float64
		want   verdict.Outcome // of the only trend, "" for none
	}{
		"released":          {nil, 10, verdict.Leaking},
		"stays":             {nil, 410, verdict.Inconclusive},
		"leaks anyway":      {[]verdict.Trend{{Series: "health.history", Outcome: verdict.Leaking}}, 410, ""},
		"leaks, and theirs": {[]verdict.Trend{{Series: "health.history", Outcome: verdict.Leaking}}, 10, ""},
		"another one leaks": {[]verdict.Trend{{Series: "health.peers", Outcome: verdict.Leaking}}, 10, verdict.Leaking},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := collected(t, tt.others, tt.left)
			y.conclude()
			got := verdict.Outcome("")
			if list := y.evidence.Trends; len(list) > 0 {
				got = list[0].Outcome
			}
			if got != tt.want || len(y.evidence.Trends) > 1 {
				t.Errorf("trends %+v", y.evidence.Trends)
			}
			if f := *y.figures; len(f) == 0 || !strings.HasPrefix(f[len(f)-1].Name, perConnected) {
				t.Errorf("figures %+v", f)
			}
			for _, c := range y.evidence.Controls {
				if c.Failed() {
					t.Errorf("control %+v", c)
				}
			}
		})
	}
}

// collected returns an experiment whose two residents have seen 100 events in each of eight
// blocks, and whose target retains half of them until they leave.
func collected(t *testing.T, others []verdict.Trend, left float64) *residency {
	t.Helper()
	p, err := PlanOf("residents")
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRunner(Config{URL: "ws://127.0.0.1:1", Plan: p})
	if err != nil {
		t.Fatal(err)
	}
	r.target = &target{}
	y := newResidency(newPhaseRun(r, 0), others)
	y.number, y.stayed, y.bound = 2, 2, 100
	const name = "health.history"
	y.first, y.empty, y.joined, y.peak = reading{name: 12}, reading{name: 10}, reading{name: 10}, reading{name: 10}
	y.left = reading{name: left}
	level := 10.0
	y.marks = []mark{{0, 2}}
	for range 8 {
		on := block{100, reading{name: level}, reading{name: level + 50}, 0}
		level += 50
		y.events.Add(100)
		held := mark{float64(y.events.Load()), 2}
		y.blocks = append(y.blocks, on, block{0, on.after, on.after, 0})
		y.marks, y.rest = append(y.marks, held, held), on.after
	}
	y.trends = y.growth()
	return y
}
