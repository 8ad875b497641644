package loadgen

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// quickCapacity is a search that does not depend on how fast the machine is: no limit is a time,
// and the generator may be late.
func quickCapacity(t *testing.T, url string, slip time.Duration, figures plan.Phase, fail ...string) report.Result {
	t.Helper()
	planned, err := PlanOf("capacity")
	if err == nil {
		for _, text := range fail {
			planned.Fail = append(planned.Fail, parsedThreshold(t, text))
		}
		params := map[string]string{"first": "8", "hold": "100ms", "within": "1", "arrive": "400", limitsParam: "lost==0; cut==0; errors==0"}
		for name, value := range figures.Params {
			params[name] = value
		}
		figures.Params = params
		planned, err = With(planned, figures)
	}
	if err != nil {
		t.Fatal(err)
	}
	waits := usualWaits
	waits.slip = slip
	return run(t, Config{URL: url, Plan: planned, waits: waits})
}

const everPunctual = time.Hour // no machine is as slow

// A hub with room for 37 peers holds 37 of them, and not 38.
func TestCapacityOfPeers(t *testing.T) {
	t.Parallel()
	r := quickCapacity(t, (&toyHub{most: 37, patient: true}).start(t), everPunctual,
		plan.Phase{Peers: 200, Rate: 400, Networks: 20, Params: map[string]string{"find": "peers"}}, "figure(peers held)>=37")
	if len(r.Capacities) != 1 {
		t.Fatalf("%d results", len(r.Capacities))
	}
	if c := r.Capacities[0]; c.Held != 37 || c.Broke != 38 || c.By != report.ByTarget || !strings.Contains(c.Why, "==0") {
		t.Errorf("got %+v", c)
	}
	if v := r.Verdict; v.Outcome != verdict.Untested || len(v.Thresholds) != 1 || v.Thresholds[0].Outcome != verdict.Pass {
		t.Errorf("outcome %s, doubts %v, thresholds %v", v.Outcome, v.Doubts, v.Thresholds)
	}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil || !strings.Contains(b.String(), "37 peers held; 38 did not") {
		t.Errorf("%v: the text lacks the result:\n%s", err, b.String())
	}
}

// A hub without a limit holds what the search is allowed to try.
func TestCapacityWithinItsBounds(t *testing.T) {
	t.Parallel()
	r := quickCapacity(t, (&toyHub{patient: true}).start(t), everPunctual,
		plan.Phase{Peers: 20, Rate: 100, Networks: 2, Params: map[string]string{"senders": "10"}})
	if len(r.Capacities) != 2 || r.Capacities[0].Held != 20 || r.Capacities[1].Held != 100 || r.Capacities[1].By != report.ByBound {
		t.Errorf("got %+v", r.Capacities)
	}
	if v := r.Verdict; v.Outcome != verdict.Untested {
		t.Errorf("outcome %s, doubts %v, invalid %v", v.Outcome, v.Doubts, v.Invalid)
	}
}

// A generator that is late is the limit, and says nothing about the hub.
func TestCapacityOfTheGenerator(t *testing.T) {
	t.Parallel()
	r := quickCapacity(t, (&toyHub{patient: true}).start(t), -1, // every action is late
		plan.Phase{Peers: 20, Rate: 100, Networks: 2, Params: map[string]string{"find": "peers", "first": "2"}})
	c := r.Capacities[0]
	if c.Held != 0 || c.By != report.ByGenerator || slices.ContainsFunc(c.Levels, func(l report.Level) bool { return l.Limiter != report.ByGenerator }) {
		t.Errorf("got %+v", c)
	}
	if v := r.Verdict; v.Outcome != verdict.Inconclusive || !strings.Contains(v.Doubts[0].What, "the generator was the limit, not the target") {
		t.Errorf("outcome %s, doubts %v", v.Outcome, v.Doubts)
	}
}

// A hub that dies is a failure, at the level that killed it.
func TestCapacityOfAHubThatDies(t *testing.T) {
	t.Parallel()
	h := &toyHub{patient: true}
	url := h.start(t)
	planned, err := PlanOf("capacity")
	if err == nil {
		planned, err = With(planned, plan.Phase{Peers: 1000, Rate: 100, Networks: 100, Params: map[string]string{"find": "peers", "first": "8", "hold": "300ms", limitsParam: "cut==0"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	waits := impatient
	waits.slip = everPunctual
	r := run(t, Config{URL: url, Plan: planned, waits: waits, Watch: atPeers(20, h.kill)})
	if r.Verdict.Outcome != verdict.Failed || len(r.Capacities) != 1 || r.Capacities[0].By != report.ByTarget || r.Capacities[0].Broke == 0 {
		t.Errorf("outcome %s, capacities %+v", r.Verdict.Outcome, r.Capacities)
	}
}

// The limits of a level come from a parameter, and from thresholds that are added.
func TestLimits(t *testing.T) {
	t.Parallel()
	planned, err := PlanOf("capacity")
	if err != nil {
		t.Fatal(err)
	}
	f := &planned.Phases[0]
	for _, text := range []string{"p99(candidate)<50ms", "lost<1%"} {
		if th := parsedThreshold(t, text); !IsLimit(f, th) {
			t.Errorf("%s is no limit", text)
		} else {
			Limit(f, th)
		}
	}
	if list, err := parseLimits(f.Params[limitsParam]); err != nil || len(list) != 2 || list[1].Text != "lost<1%" {
		t.Errorf("got %v, %v", list, err)
	}
	if IsLimit(f, parsedThreshold(t, "figure(peers held)>5")) {
		t.Error("a threshold on the result is a limit of a level")
	}
	for _, text := range []string{"leak==none", "retained(x)<5", "figure(peers held)>5", "lost", "lost==0;"} {
		if _, err := With(planned, plan.Phase{Params: map[string]string{limitsParam: text}}); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// Actions that begin late are the fault of the target only if the generator itself was in time.
func TestCapacityOfLateActions(t *testing.T) {
	t.Parallel()
	c := capacity{slipBound: report.SlipBound}
	for lag, want := range map[time.Duration]grade{unknownLag: blocked, time.Millisecond: broke, report.SlipBound / 2: blocked, time.Second: blocked} {
		r := report.Result{Timing: report.Timing{Slip99: time.Second}, Generator: report.Generator{Lag99: lag}}
		if g, why := c.judge(&r); g != want || why == "" {
			t.Errorf("lag %s: %d %q, want %d", lag, g, why, want)
		}
	}
}
