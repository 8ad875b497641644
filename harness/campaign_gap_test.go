package harness_test

import (
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

// A detector with a gap is missing in the run. The pause at the end of a campaign is no gap for the
// next campaign.
func TestCampaignsAndHeapGap(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	h := startEchoHub(t)
	for _, gap := range []bool{false, true, false} {
		c := campaignAt(h, &detect.Timers{}, &detect.Sites{}, &detect.Goroutines{Grace: 100 * time.Millisecond})
		c.Uncontrolled = true
		c.Progress = func(what string) {
			if gap && what == "cycle 2 of 3" {
				heap.PauseRecording()()
			}
		}
		v := runCampaign(t, c)
		for _, name := range []string{"timers", "sites"} {
			if saysInvalid(v, name+" is missing: the heap profile has a gap") != gap {
				t.Errorf("a gap %v: %s %+v", gap, name, v.Invalid)
			}
		}
	}
}
