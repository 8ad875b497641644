package regress_test

import (
	"context"
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// patientConfig is a hub that leaves idle peers alone, however long a spec takes.
func patientConfig() hub.Config {
	cfg := quickConfig()
	cfg.PingInterval, cfg.FirstMessageTimeout = time.Hour, time.Hour
	return cfg
}

// balance is what the process holds, to be compared with what it holds later.
type balance struct {
	detectors detect.Detectors
}

// balanceOf reads the process. Watched sessions count from here on.
func balanceOf(ctx context.Context, more ...detect.Detector) *balance {
	GinkgoHelper()
	b := &balance{append(detect.Detectors{&detect.Descriptors{}, &detect.Goroutines{}, &detect.Quiet{}, &detect.Unclosed{}}, more...)}
	Expect(b.detectors.Baseline(ctx, detect.NewReading(0))).To(Succeed())
	return b
}

// left returns what has been added since, after so many peers.
func (b *balance) left(ctx context.Context, peers int64) []verdict.Finding {
	GinkgoHelper()
	Expect(b.detectors.Cycle(ctx, detect.NewReading(peers))).To(Succeed())
	found, err := b.detectors.Findings(ctx)
	Expect(err).NotTo(HaveOccurred())
	return found
}

var _ = Describe("thousands of peers at once", Serial, func() {
	DescribeTable("are gone after they leave, and after the hub has",
		func(ctx SpecContext, peers, atOnce int, start func(hub.Config) (*hubtest.Target, error)) {
			defer heap.PauseRecording()()
			peers = fewerUnderRace(peers)
			before := balanceOf(ctx)
			cfg := patientConfig()
			cfg.MaxConnections = peers + 100
			cfg.Memory.Interval = -1 // the monitor makes maps anew after such a peak, and the census must have quiet
			watch := detect.NewWatch()
			cfg.Trace = hubtest.Trace(watch, nil)
			target, err := start(cfg)
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(func() { _ = shutDown(target, stopLimit) })
			withHub := balanceOf(ctx, &detect.Gauges{Target: target}, watch, &detect.Census{Roots: target.Roots()})

			By("coming")
			g, err := gather(ctx, target, peers, atOnce)
			DeferCleanup(g.leave)
			Expect(err).NotTo(HaveOccurred())
			Expect(target.Hub.Stats().Peers).To(Equal(peers))
			Expect(target.Check()).To(Succeed())

			By("leaving")
			g.leave()
			Expect(settle.Until(ctx, func() error { return holds(target, 0) })).To(Succeed())
			Expect(withHub.left(ctx, int64(peers))).To(BeClean())

			By("coming again, for a shutdown")
			g, err = gather(ctx, target, peers, atOnce)
			DeferCleanup(g.leave)
			Expect(err).NotTo(HaveOccurred())
			Expect(target.Stop(ctx)).To(Succeed()) // the peers do not answer: each is cut after CloseTimeout
			Expect(target).To(HoldNothing())
			g.leave()
			g = nil
			Expect(before.left(ctx, int64(peers))).To(BeClean())
			runtimeKeepsNothing(ctx, watch)
			summary.lives(2 * peers)
		},
		Entry("over TCP", Label("quick"), SpecTimeout(5*time.Minute), 4000, 64, hubtest.Start),
		Entry("over pipes", Label("full"), SpecTimeout(5*time.Minute), 50_000, 64, hubtest.StartPipes),
	)
})

// runtimeKeepsNothing expects that every session and connection was collected.
func runtimeKeepsNothing(ctx context.Context, watch *detect.Watch) {
	GinkgoHelper()
	found, err := watch.Settle(ctx)
	Expect(err).NotTo(HaveOccurred())
	Expect(found).To(BeClean())
}

// holds says whether a hub has so many sessions and peers.
func holds(target *hubtest.Target, peers int) error {
	if st := target.Hub.Stats(); st.Sessions != peers || st.Goroutines > peers+1 { // and the monitor
		return errors.New("the hub has not let go of all yet")
	}
	return nil
}

var _ = Describe("hubs that start and stop", Serial, Label("full"), func() {
	It("leave nothing of a thousand", func(ctx SpecContext) {
		defer heap.PauseRecording()() // each of their objects is counted in "holds nothing of them"
		w := startWorld(patientConfig(), hubtest.StartPipes)
		w.campaign.Name, w.campaign.Detectors = "regress, hubs", w.quickDetectors()
		w.campaign.Crowd.Scenarios = w.ownScenarios(w.config)[1:] // without the one that needs no hub of its own
		w.campaign.Peers = func(string) int { return 64 }
		w.campaign.Cycles = 3
		w.campaign.Crowd.AtOnce = 16
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(5*time.Minute))
})
