package loadgen

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// Members of the old network hear that a peer has left it, those of the new one that it
// has come.
func TestRoam(t *testing.T) {
	t.Parallel()
	// A time is taken only if all members hear of a move before the next one: few peers, and
	// stays that are long beside what a notice takes on a slow machine.
	r := runProfile(t, ourHub(t, hub.Config{}), "roam", plan.Phase{Peers: 30, Rate: 30, Networks: 3, Params: map[string]string{"moves": "4", "stay": "600ms"}})
	wantWell(t, &r, 30)
	for _, h := range []latency.Hop{latency.HopNotice, latency.HopDiscoveryAll} {
		if r.Latencies.Hops[h].Latency.Count() == 0 {
			t.Errorf("no time of %s was taken", h)
		}
	}
	if n := len((&phaseRun{Phase: r.Plan.Phases[0]}).roamer(0).steps); n != 6 {
		t.Errorf("a life has %d steps, want an announce, 4 moves and a leave", n)
	}
}
