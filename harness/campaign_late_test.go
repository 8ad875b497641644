package harness_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// What a janitor removes two seconds after a peer has left is no leak, nor is the janitor, which
// runs while there is something to remove: it was there at some readings, and not at others. The
// same hub without a janitor leaks.
func TestCampaignWaitsForAJanitor(t *testing.T) {
	t.Parallel()
	for name, sweeps := range map[string]bool{"janitor": true, "leak": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startEchoHub(t)
			h.leaks = true
			h.janitor = sweeps
			c := campaignAt(h, &detect.Gauges{Target: h}, &detect.Census{Roots: h.Roots()})
			c.Late = 3 * janitorEvery
			var steps []string
			c.Progress = func(s string) { steps = append(steps, s) }
			v := runCampaign(t, c)
			if !sweeps {
				if v.Outcome != verdict.Leaking || len(v.Leaks) != 1 || v.Leaks[0].Source.String() != "scenario goodbye" {
					t.Errorf("outcome %s, leaks %+v", v.Outcome, v.Leaks)
				}
				return
			}
			if v.Outcome != verdict.Pass || !slices.Contains(steps, "waiting for what is let go late") {
				t.Errorf("outcome %s after %q: leaks %+v, invalid %+v", v.Outcome, steps, v.Leaks, v.Invalid)
			}
		})
	}
}

// janitorEvery is the time between two sweeps.
const janitorEvery = time.Second

// sweep removes what was kept before the last sweep, until nothing is kept.
func (h *echoHub) sweep() {
	tick := time.NewTicker(janitorEvery)
	defer tick.Stop()
	old := 0
	for range tick.C {
		h.mu.Lock()
		h.state.left = slices.Delete(h.state.left, 0, old)
		if old = len(h.state.left); old == 0 {
			h.sweeping, h.state.left = false, nil
			h.mu.Unlock()
			return
		}
		h.mu.Unlock()
	}
}
