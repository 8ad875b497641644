package loadgen

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func drainPlan(t *testing.T, patience string) plan.Plan {
	t.Helper()
	p, err := PlanOf("drain")
	if err == nil {
		p, err = With(p, plan.Phase{Peers: 24, Rate: 200, Duration: 300 * time.Millisecond, Networks: 3, Params: map[string]string{
			"wait": "20s", "patience": patience, "backoff": "200ms"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A restart as the peers see it: all lose their connections, and all come back.
func TestDrain(t *testing.T) {
	t.Parallel()
	h := &toyHub{patient: true}
	url := h.start(t)
	restart := func(ctx context.Context) (int, error) {
		h.closeAll(true)
		pause(ctx, 2*time.Second)
		h.closeAll(false)
		return os.Getpid(), nil
	}
	r := run(t, Config{URL: url, Plan: drainPlan(t, "20s"), Restart: restart})
	if len(r.Verdict.Failures)+len(r.Verdict.Invalid) > 0 || figureOf(&r, "connections ended") < 24 || figureOf(&r, "peers back") != 24 {
		t.Errorf("outcome %s, figures %+v", r.Verdict.Outcome, r.Figures)
	}
	if away := figureOf(&r, "away"); away < .5 || figureOf(&r, "recovery") < away || figureOf(&r, "failed") == 0 {
		t.Errorf("figures %+v", r.Figures)
	}
	if r.Deliveries.Delivered == 0 || r.Cut != 0 {
		t.Errorf("deliveries %+v, %d cut", r.Deliveries, r.Cut)
	}
}

// A target that goes away and does not come back fails.
func TestDrainForGood(t *testing.T) {
	t.Parallel()
	h := &toyHub{patient: true}
	url := h.start(t)
	restart := func(context.Context) (int, error) { h.closeAll(true); return os.Getpid(), nil }
	r := run(t, Config{URL: url, Plan: drainPlan(t, "1s"), Restart: restart})
	if r.Verdict.Outcome != verdict.Failed || !strings.Contains(r.Verdict.Failures[0].What, "were not back") {
		t.Errorf("outcome %s, failures %v", r.Verdict.Outcome, r.Verdict.Failures)
	}
}

// A target that is not restarted makes the run invalid.
func TestDrainOfNothing(t *testing.T) {
	t.Parallel()
	p, err := With(drainPlan(t, "1s"), plan.Phase{Params: map[string]string{"wait": "300ms"}})
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, Config{URL: (&toyHub{patient: true}).start(t), Plan: p})
	if r.Verdict.Outcome != verdict.Invalid || !strings.Contains(r.Verdict.Invalid[0].What, "did not go away") {
		t.Errorf("outcome %s, invalid %v", r.Verdict.Outcome, r.Verdict.Invalid)
	}
}

// Connections end while the figures are noted.
func TestDrainToldLate(t *testing.T) {
	t.Parallel()
	s := phaseRunOf("drain")
	d := &drain{returners: newReturners(s, time.Second), wentAway: true}
	own := &returner{network: s.networks[0]}
	d.list = map[wire.PeerID]*returner{ann: own}
	whileTold(func(id wire.PeerID) {
		p := &Peer{id: ann, why: &websocket.CloseError{Code: 1001, Text: string(id)}}
		d.mu.Lock()
		own.peer, own.here = p, true
		d.here++
		d.mu.Unlock()
		d.gone(p)
	}, func() { d.report(delivery.Counts{}) })
}
