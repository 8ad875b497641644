package regress_test

import (
	"os"
	"slices"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// exactSpec is the text of the spec that counts every object by the line that allocated it. Its
// verdict says most about a leak, so TestGenerated runs it before the others.
const exactSpec = "retains no object of its peers"

var _ = Describe("a hub whose peers come and go", Serial, func() {
	It(exactSpec, Label("quick"), func(ctx SpecContext) {
		w := startWorld(quickConfig(), hubtest.Start)
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(5*time.Minute))

	It("retains nothing of the configurations before", Label("quick"), func(ctx SpecContext) {
		w := startWorld(quickConfig(), hubtest.StartPipes)
		w.campaign.Name, w.campaign.Cycles = "regress, reloads", 3
		w.campaign.Crowd.Scenarios = append(harness.Scenarios()[:2], w.reload())
		w.campaign.Fill = filling
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(2*time.Minute))

	// TestPower runs the specs labelled power on mutants, and expects them to fail. Nothing else
	// loads the machine then, so that timeouts can be short. The campaign plants no leak as a
	// control because the mutant is one.
	It("retains no object of its peers, if it is no mutant", Label("power"), func(ctx SpecContext) {
		w := startWorld(powerConfig(), hubtest.Start)
		w.campaign.Peers, w.campaign.Uncontrolled, w.campaign.Crowd.LifeLimit = doses(60), true, 8*time.Second
		w.campaign.Crowd.Scenarios = append(w.campaign.Crowd.Scenarios, w.reload())
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(2*time.Minute))

	It("retains no session of many peers, if it is no mutant", Label("power"), func(ctx SpecContext) {
		defer heap.PauseRecording()()
		w := startWorld(powerConfig(), hubtest.Start)
		w.campaign.Name, w.campaign.Uncontrolled = "regress, rare leaks", true
		w.sendMany(150)
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(2*time.Minute))

	// There are too many peers to record each of their objects. Instead each session is
	// watched, and the length of each collection is read.
	It("retains no session of ten times as many peers", Label("full"), func(ctx SpecContext) {
		summary.skipLarge()
		defer heap.PauseRecording()()
		w := startWorld(quickConfig(), hubtest.StartPipes)
		w.campaign.Name = "regress, many"
		w.sendMany(fewerUnderRace(700))
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(5*time.Minute))
})

// soakCycles is the number of cycles of a soak, about five seconds each.
const soakCycles = 720

var _ = Describe("a hub that runs for hours", Serial, Label("soak"), func() {
	It("retains nothing of its peers", func(ctx SpecContext) {
		w := startWorld(quickConfig(), hubtest.Start)
		w.campaign.Name, w.campaign.Cycles = "regress, soak", soakCycles
		if s := os.Getenv("PIGEONHUB_SOAK_CYCLES"); s != "" {
			n, err := strconv.Atoi(s)
			Expect(err).NotTo(HaveOccurred(), "PIGEONHUB_SOAK_CYCLES")
			w.campaign.Cycles = n
		}
		Expect(w.judge(ctx)).To(LeakNothing())
	})
})

// fewerUnderRace returns peers, or a tenth of them under the race detector, which is slow.
func fewerUnderRace(peers int) int {
	if raceEnabled {
		return peers / 10
	}
	return peers
}

// sendMany sets the campaign to three cycles of peers of each quick scenario, read by the
// quick detectors.
func (w *world) sendMany(peers int) {
	w.campaign.Crowd.Scenarios = slices.DeleteFunc(harness.Scenarios(), func(s harness.Scenario) bool {
		return slices.Contains([]string{"duplicate", "large", "flood"}, s.Name)
	})
	w.campaign.Peers = func(string) int { return peers }
	w.campaign.Crowd.AtOnce = 256
	if raceEnabled {
		w.campaign.Crowd.AtOnce = 64
	}
	w.campaign.Cycles = 3
	w.campaign.Detectors = w.quickDetectors()
}

// quickDetectors returns the detectors that need no record of every object.
func (w *world) quickDetectors() []detect.Detector {
	return []detect.Detector{
		&detect.Descriptors{}, &detect.Goroutines{}, &detect.Quiet{}, &detect.Gauges{Target: w.target},
		&detect.Mapped{}, w.watch, &detect.Census{Roots: w.target.Roots(), Label: w.campaign.Crowd.ScenarioOf},
	}
}

// powerConfig returns quickConfig with shorter timeouts, for a machine that runs nothing else.
func powerConfig() hub.Config {
	cfg := quickConfig()
	cfg.PingInterval, cfg.PongTimeout, cfg.ProbeTimeout = 600*time.Millisecond, 600*time.Millisecond, 700*time.Millisecond
	cfg.FirstMessageTimeout, cfg.MessageTimeout = 1500*time.Millisecond, 1200*time.Millisecond
	return cfg
}

// judge runs the campaign, writes its report and returns the verdict.
func (w *world) judge(ctx SpecContext) verdict.Verdict {
	GinkgoHelper()
	run, err := w.campaign.Run(ctx)
	Expect(err).NotTo(HaveOccurred())
	return summary.add(run)
}
