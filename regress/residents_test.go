package regress_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// residentSpecs is the text of the specs of residents.
const residentSpecs = "a hub in which some peers stay"

// Residents have a campaign of their own, in which no timeout ends them on a slow machine.
var _ = Describe(residentSpecs, Serial, func() {
	It("collects nothing of what they see, and nothing stays when they leave", Label("quick"), func(ctx SpecContext) {
		Expect(residentWorld().judge(ctx)).To(LeakNothing())
	}, SpecTimeout(5*time.Minute))

	It("collects nothing of what they see, if it is no mutant", Label("power"), func(ctx SpecContext) {
		w := residentWorld()
		w.campaign.Uncontrolled = true
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(2*time.Minute))
})

// residentWorld returns a hub and a campaign of residents and a few visitors. No rate limits the
// residents.
func residentWorld() *world {
	GinkgoHelper()
	cfg := patientConfig()
	cfg.AnnounceRate, cfg.ProbeTimeout = -1, 10*time.Second
	w := startWorld(cfg, hubtest.Start)
	for _, d := range w.campaign.Detectors {
		if c, ok := d.(*detect.Census); ok {
			c.Lock = atRest{w.target.Hub}
		}
	}
	w.staying.Paths, w.staying.Roots = true, w.target.Roots()
	w.campaign.Departure = []detect.Detector{&detect.Descriptors{}, &detect.Goroutines{}, &detect.Gauges{Target: w.target}, w.staying}
	visitors := slices.DeleteFunc(harness.Scenarios(), func(s harness.Scenario) bool {
		return !slices.Contains([]string{"clean", "goodbye", "rst", "roam", "signal"}, s.Name)
	})
	w.campaign.Name, w.campaign.Cycles = "regress, residents", 3
	w.campaign.Crowd.Scenarios = append(visitors, harness.Residents()...)
	w.campaign.Peers = func(scenario string) int {
		switch {
		case scenario == "resident-guest", scenario == "resident-probe": // each is a peer
			return 60
		case strings.HasPrefix(scenario, "resident-"):
			return 300
		}
		return 40
	}
	return w
}

// atRest is the lock of a census that walks the sessions of residents.
type atRest struct{ hub *hub.Hub }

// Lock waits until all sessions are parked, because a reader changes what the census walks.
func (r atRest) Lock() {
	if runtime.GOOS != "linux" {
		return // no session is parked
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = settle.Until(ctx, func() error {
		if st := r.hub.Stats(); st.Parked != st.Sessions {
			return fmt.Errorf("%d of %d sessions are parked", st.Parked, st.Sessions)
		}
		return nil
	})
}

// Unlock takes the hub's locks, so that what wakes a session happens after the walk.
func (r atRest) Unlock() { r.hub.Stats() }
