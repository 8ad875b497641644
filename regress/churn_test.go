package regress_test

import (
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

var _ = Describe("a hub whose peers come and go", Serial, func() {
	// Every object is counted, by its line.
	It("holds nothing of them", Label("quick", "power"), func(ctx SpecContext) {
		w := startWorld(quickConfig(), hubtest.Start)
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(3*time.Minute))

	// Many more than could be counted object by object: each session is watched,
	// each collection measured.
	It("holds nothing of ten times as many", Label("full"), func(ctx SpecContext) {
		defer harness.InexactHeap()()
		w := startWorld(quickConfig(), hubtest.StartPipes)
		w.campaign.Name = "regress, many"
		w.campaign.Crowd.Scenarios = slices.DeleteFunc(harness.Scenarios(), func(s harness.Scenario) bool {
			return slices.Contains([]string{"duplicate", "large", "flood"}, s.Name) // which take the hub's time or ours
		})
		w.campaign.Peers = func(string) int { return 700 }
		w.campaign.Crowd.AtOnce = 256
		w.campaign.Cycles = 3
		w.campaign.Detectors = []harness.Detector{
			&harness.Descriptors{}, &harness.Goroutines{}, &harness.Quiet{}, &harness.Gauges{Target: w.target},
			w.watch, &harness.Census{Roots: w.target.Roots()},
		}
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(3*time.Minute))
})

// judge runs the campaign, keeps the verdict for the summary and its evidence on
// disk, and returns it.
func (w *world) judge(ctx SpecContext) verdict.Verdict {
	GinkgoHelper()
	run, err := w.campaign.Run(ctx)
	Expect(err).NotTo(HaveOccurred())
	return summary.add(run)
}
