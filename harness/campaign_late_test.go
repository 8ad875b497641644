package harness_test

import (
	"slices"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// What a janitor removes late is no leak, nor is the janitor, which runs while there is something to
// remove: it was there at the baseline, and is not at the end. The same hub without a janitor leaks.
func TestCampaignWaitsForAJanitor(t *testing.T) {
	t.Parallel()
	for name, sweeps := range map[string]bool{"janitor": true, "leak": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startEchoHub(t)
			h.leaks = true
			if sweeps {
				h.janitor = make(chan struct{})
			}
			c := campaignAt(h, &detect.Gauges{Target: h}, &detect.Census{Roots: h.Roots()})
			var steps []string
			c.Progress = func(s string) {
				steps = append(steps, s)
				if sweeps && s == "waiting for what is let go late" {
					h.janitor <- struct{}{}
					<-h.janitor
				}
			}
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

// sweep removes what was kept, once it is asked to.
func (h *echoHub) sweep() {
	<-h.janitor
	h.mu.Lock()
	h.sweeping, h.state.left = false, nil
	h.mu.Unlock()
	h.janitor <- struct{}{}
}
