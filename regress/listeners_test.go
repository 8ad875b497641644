package regress_test

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// The Node.js hub ran out of memory every few hours because listeners were registered and never
// removed. Such a leak must be reported with the function that registers them.
var _ = Describe("subscriptions that are never closed", Serial, Label("quick"), func() {
	It("are reported with the function that made them", func(ctx SpecContext) {
		cfg := patientConfig()
		w := startWorld(cfg, hubtest.StartPipes)
		doses := []int64{101, 103, 107}
		detectors := detect.Detectors{
			&detect.Gauges{Target: w.target}, &detect.Timers{}, &detect.Sites{}, &detect.Census{Roots: w.target.Roots()},
		}
		Expect(detectors.Baseline(ctx, detect.NewReading(0))).To(Succeed())
		run := verdict.Run{Lives: 1, Scenarios: []verdict.Scenario{{Name: "listen"}}}
		for _, dose := range doses {
			for i := range dose {
				loseSubscription(w.target, i)
			}
			run.Cycles = append(run.Cycles, verdict.Cycle{Doses: map[string]int64{"listen": dose}})
			run.Scenarios[0].Planned += dose
			run.Scenarios[0].Landed += dose
			Expect(detectors.Cycle(ctx, detect.NewReading(dose))).To(Succeed())
		}
		found, err := detectors.Findings(ctx)
		Expect(err).NotTo(HaveOccurred())
		run.Findings = found
		for _, d := range detectors {
			run.Detectors = append(run.Detectors, verdict.Detector{Name: d.Name(), State: verdict.Ready})
		}
		v := verdict.Judge(run)
		Expect(v.Outcome).To(Equal(verdict.Leaking), LeakNothing().FailureMessage(v))
		Expect(LeakNothing().FailureMessage(v)).To(And(
			ContainSubstring("hub.Hub.subscriptions"), // what retains them
			ContainSubstring("loseSubscription"),      // what made them
			ContainSubstring("1.00 per peer"),
			ContainSubstring("listen"),
		))
	})
})

// loseSubscription subscribes and drops the handle without closing it.
func loseSubscription(target *hubtest.Target, i int64) {
	GinkgoHelper()
	_, err := target.Hub.Subscribe(fmt.Sprintf("listener %d", i))
	Expect(err).NotTo(HaveOccurred())
}
