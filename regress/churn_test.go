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

var _ = Describe("a hub whose peers come and go", Serial, func() {
	// Every object is counted, by its line.
	It("holds nothing of them", Label("quick"), func(ctx SpecContext) {
		w := startWorld(quickConfig(), hubtest.Start)
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(5*time.Minute))

	// The same for a hub of which it is known that it leaks: see TestPower. Nothing
	// else loads the machine then, so that timeouts can be short, and the controls
	// are the mutants themselves.
	It("is known to leak", Label("power"), func(ctx SpecContext) {
		w := startWorld(powerConfig(), hubtest.Start)
		w.campaign.Peers, w.campaign.Uncontrolled, w.campaign.Crowd.LifeLimit = doses(60), true, 8*time.Second
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(2*time.Minute))

	It("is known to leak now and then", Label("power"), func(ctx SpecContext) {
		defer heap.PauseRecording()()
		w := startWorld(powerConfig(), hubtest.Start)
		w.campaign.Name, w.campaign.Uncontrolled = "regress, now and then", true
		w.manyOf(150)
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(2*time.Minute))

	// Many more than could be counted object by object: each session is watched,
	// each collection measured.
	It("holds nothing of ten times as many", Label("full"), func(ctx SpecContext) {
		defer heap.PauseRecording()()
		w := startWorld(quickConfig(), hubtest.StartPipes)
		w.campaign.Name = "regress, many"
		w.manyOf(fewerUnderRace(700))
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(5*time.Minute))
})

// soakCycles is how many cycles a soak has, of about five seconds each.
const soakCycles = 720

var _ = Describe("a hub that runs for hours", Serial, Label("soak"), func() {
	It("holds nothing of its peers", func(ctx SpecContext) {
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

// fewerUnderRace is how many peers there are time for.
func fewerUnderRace(peers int) int {
	if raceEnabled {
		return peers / 10
	}
	return peers
}

// manyOf has three cycles of so many peers of each scenario that takes little time,
// and the detectors that need not count every object.
func (w *world) manyOf(peers int) {
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

// quickDetectors are those that need not count every object.
func (w *world) quickDetectors() []detect.Detector {
	return []detect.Detector{
		&detect.Descriptors{}, &detect.Goroutines{}, &detect.Quiet{}, &detect.Gauges{Target: w.target},
		w.watch, &detect.Census{Roots: w.target.Roots(), Label: w.campaign.Crowd.ScenarioOf},
	}
}

// powerConfig is quickConfig with timeouts for a machine that has time.
func powerConfig() hub.Config {
	cfg := quickConfig()
	cfg.PingInterval, cfg.PongTimeout, cfg.ProbeTimeout = 600*time.Millisecond, 600*time.Millisecond, 700*time.Millisecond
	cfg.FirstMessageTimeout, cfg.MessageTimeout = 1500*time.Millisecond, 1200*time.Millisecond
	return cfg
}

// judge runs the campaign, keeps the verdict for the summary and its evidence on
// disk, and returns it.
func (w *world) judge(ctx SpecContext) verdict.Verdict {
	GinkgoHelper()
	run, err := w.campaign.Run(ctx)
	Expect(err).NotTo(HaveOccurred())
	return summary.add(run)
}
