package loadgen

import (
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func TestHalfopen(t *testing.T) {
	t.Parallel()
	cfg := hub.Config{PingInterval: 500 * time.Millisecond, PongTimeout: 2 * time.Second}
	r := runProfile(t, ourHub(t, cfg), "halfopen", plan.Phase{Peers: 20, Rate: 200, Networks: 2, Duration: 30 * time.Second, Params: map[string]string{"stay": "50ms"}})
	wantWell(t, &r, 20)
	if figureOf(&r, "noticed") != 20 || figureOf(&r, "noticed first") < .1 || figureOf(&r, "noticed last") > 15 {
		t.Errorf("figures %+v", r.Figures)
	}
	if r.Latencies.Hops[latency.HopTimeout].Latency.Count() != 20 {
		t.Errorf("%d times were taken", r.Latencies.Hops[latency.HopTimeout].Latency.Count())
	}
}

// The toy hub sends no leave notices.
func TestHalfopenUnnoticed(t *testing.T) {
	t.Parallel()
	r := runProfile(t, (&toyHub{}).start(t), "halfopen", plan.Phase{Peers: 5, Rate: 200, Networks: 1, Duration: 500 * time.Millisecond, Params: map[string]string{"stay": "50ms"}})
	if r.Verdict.Outcome != verdict.Inconclusive || figureOf(&r, "noticed") != 0 {
		t.Errorf("outcome %s, figures %+v", r.Verdict.Outcome, r.Figures)
	}
}

// A hub that notices a RST and not a silence has noticed no peer: the resets come from the run.
func TestHalfopenOwnResets(t *testing.T) {
	t.Parallel()
	figures := plan.Phase{Peers: 40, Rate: 400, Networks: 1, Duration: 300 * time.Millisecond, Params: map[string]string{"stay": "50ms"}}
	r := runProfile(t, (&toyHub{patient: true, tellsLeft: true}).start(t), "halfopen", figures)
	if r.Verdict.Outcome != verdict.Inconclusive || figureOf(&r, "noticed") != 0 {
		t.Errorf("outcome %s, figures %+v", r.Verdict.Outcome, r.Figures)
	}
	if n := r.Latencies.Hops[latency.HopTimeout].Latency.Count(); n != 0 {
		t.Errorf("%d notices of resets were timed as notices of a silence", n)
	}
}
