package loadgen

import (
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// The rough phases do not harm the hub of this repository, and are not counted in the run.
func TestRough(t *testing.T) {
	t.Parallel()
	r, err := newRunner(Config{URL: ourHub(t, hub.Config{}), Plan: quickCheck(t, 41)})
	if err != nil {
		t.Fatal(err)
	}
	r.target = discover(t.Context(), r.cfg)
	if err := r.rough(t.Context(), newPhaseRun(r, 0), roughPhases()); err != nil {
		t.Fatal(err)
	}
	if len(r.run.Failures)+len(r.run.Doubts)+len(r.run.Problems) > 0 {
		t.Errorf("failures %v, doubts %v, problems %v", r.run.Failures, r.run.Doubts, r.run.Problems)
	}
	var told []string
	for _, f := range r.figures {
		told = append(told, f.Name)
	}
	if !slices.Equal(told, roughFigures) {
		t.Errorf("figures %q, want %q", told, roughFigures)
	}
	if times := r.fleet.rec.Snapshot(); r.fleet.lives() != 0 || times.Hops[latency.HopConnect].Latency.Count() != 0 || len(r.counters.scenarios()) != 0 {
		t.Errorf("%d lives, scenarios %v", r.fleet.lives(), r.counters.scenarios())
	}
}

// A hub that leaks, and then dies of an input, has both reported, and the scenarios that do
// not leak are cleared.
func TestCheckTellsLeaksAndDeath(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute: TestRough and TestWorkersCheck do the same, apart from each other")
	}
	t.Parallel()
	planned, err := With(quickCheck(t, 42), plan.Phase{Params: map[string]string{roughParam: string(RoughHere)}})
	if err != nil {
		t.Fatal(err)
	}
	v := run(t, Config{URL: (&toyHub{leakOffers: true, diesOn: "hello", tellsLeft: true}).start(t), Plan: planned, waits: impatient}).Verdict
	wantLeakOfSignals(t, v)
	if report.LeakOf(&v, "signal") != plan.LeakFound || !slices.Contains(v.NotLeaking, "clean") {
		t.Errorf("cleared %q", v.NotLeaking)
	}
	if !slices.ContainsFunc(v.Failures, func(f verdict.Reason) bool { return f.Aside && strings.Contains(f.What, `"message: no JSON"`) }) {
		t.Errorf("failures %+v", v.Failures)
	}
}

// Rough phases against a target on another machine need a request.
func TestRoughOnlyHere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url  string
		word Roughness
		want bool
	}{
		{"ws://127.0.0.1:1", RoughHere, true}, {"ws://192.0.2.7:1", RoughHere, false}, {"ws://192.0.2.7:1", RoughYes, true}, {"ws://127.0.0.1:1", RoughNo, false},
	} {
		r := &runner{cfg: Config{URL: tt.url}}
		if got := r.isRough(&plan.Phase{Params: map[string]string{roughParam: string(tt.word)}}); got != tt.want {
			t.Errorf("%s, %s: %v", tt.url, tt.word, got)
		}
	}
	r := &runner{cfg: Config{URL: "ws://127.0.0.1:1", Recruiter: onOtherMachines{}}}
	if r.isRough(&plan.Phase{Params: map[string]string{roughParam: string(RoughHere)}}) {
		t.Error("with agents, whose 127.0.0.1 it is is not known")
	}
}

// onOtherMachines is a recruiter of workers on other machines, for isRough.
type onOtherMachines struct{ cluster.Recruiter }

func (onOtherMachines) Elsewhere() bool { return true }
