package regress_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// patientConfig returns quickConfig without timeouts for idle peers.
func patientConfig() hub.Config {
	cfg := quickConfig()
	cfg.PingInterval, cfg.FirstMessageTimeout = time.Hour, time.Hour
	return cfg
}

// balanceOf takes the baseline of the detectors that every spec has, and of more. Sessions watched
// later count as new.
func balanceOf(ctx context.Context, more ...detect.Detector) detect.Detectors {
	GinkgoHelper()
	ds := append(detect.Detectors{&detect.Descriptors{}, &detect.Goroutines{}, &detect.Quiet{}, &detect.Unclosed{}}, more...)
	Expect(ds.Baseline(ctx, detect.NewReading(0))).To(Succeed())
	return ds
}

// expectLeft expects that nothing is left after so many peers, at the latest after detect.LateFor.
func expectLeft(ctx context.Context, ds detect.Detectors, peers int) {
	GinkgoHelper()
	found, err := ds.Left(ctx, int64(peers), detect.LateFor)
	Expect(err).NotTo(HaveOccurred())
	Expect(found).To(BeClean())
}

// manyPeers are so many peers that what they leak slows down every later spec.
const manyPeers = 10_000

// They come last: the runtime never frees the descriptors of their goroutines, tens of megabytes that
// each later collection would scan, and a suite forces hundreds.
var _ = Describe("thousands of peers at once", Serial, SpecPriority(-1), func() {
	DescribeTable("leave nothing when they disconnect, and when the hub shuts down",
		func(ctx SpecContext, peers, atOnce int, start func(hub.Config) (*hubtest.Target, error)) {
			if peers >= manyPeers {
				summary.skipLarge()
			}
			defer heap.PauseRecording()()
			peers = fewerUnderRace(peers)
			before := balanceOf(ctx)
			cfg := patientConfig()
			cfg.MaxConnections = peers + 100
			cfg.Memory.Interval = -1 // no monitor: it would rebuild maps after the peak, while the census reads them
			watch := detect.NewWatch()
			cfg.Trace = hubtest.Trace(watch, nil)
			target, err := start(cfg)
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(func() { _ = shutDown(target, stopLimit) })
			idle, err := detect.LeastGauges(ctx, target)
			Expect(err).NotTo(HaveOccurred())
			crowd := func() {
				g, err := gather(ctx, target, peers, atOnce)
				DeferCleanup(g.leave)
				Expect(err).NotTo(HaveOccurred())
				Expect(target.Hub.Stats().Peers).To(Equal(peers))
				Expect(target.Check()).To(Succeed())
				g.leave()
				Expect(settle.Until(ctx, func() error { return isEmpty(target) })).To(Succeed())
			}
			By("as many peers as fill what is bounded come and leave")
			first := max(1, (filled+peers-1)/peers)
			for range first {
				crowd()
			}
			withHub := balanceOf(ctx, &detect.Gauges{Target: target, Idle: idle}, watch, &detect.Census{Roots: target.Roots()})

			By("another crowd comes and leaves")
			crowd()
			expectLeft(ctx, withHub, peers)

			By("a last crowd comes, and the hub shuts down")
			g, err := gather(ctx, target, peers, atOnce)
			DeferCleanup(g.leave)
			Expect(err).NotTo(HaveOccurred())
			Expect(target.Stop(ctx)).To(Succeed()) // the peers do not answer: each is cut after CloseTimeout
			Expect(target).To(HoldNothing())
			g.leave()
			g = nil
			expectLeft(ctx, before, peers)
			expectCollected(ctx, watch)
			summary.addLives((first + 2) * peers)
		},
		Entry("over TCP", Label("quick"), SpecTimeout(5*time.Minute), 4000, 64, hubtest.Start),
		Entry("over pipes", Label("full"), SpecTimeout(5*time.Minute), 30_000, 64, hubtest.StartPipes),
	)
})

// expectCollected expects that the GC collects every session and connection, at the latest after
// detect.LateFor.
func expectCollected(ctx context.Context, watch *detect.Watch) {
	GinkgoHelper()
	found, err := watch.Settle(ctx)
	if len(found) > 0 && settle.Pause(ctx, detect.LateFor) {
		found, err = watch.Settle(ctx)
	}
	Expect(err).NotTo(HaveOccurred())
	Expect(found).To(BeClean())
}

// isEmpty returns an error while the hub has a session, or a goroutine beside the memory monitor and
// the one that wakes parked sessions.
func isEmpty(target *hubtest.Target) error {
	if st := target.Hub.Stats(); st.Sessions != 0 || st.Goroutines > 2 {
		return fmt.Errorf("the hub has %d sessions and %d goroutines", st.Sessions, st.Goroutines)
	}
	return nil
}

var _ = Describe("hubs that start and stop", Serial, Label("full"), func() {
	It("leave nothing after a thousand of them", func(ctx SpecContext) {
		defer heap.PauseRecording()() // another spec counts each of their objects
		w := startWorld(patientConfig(), hubtest.StartPipes)
		w.campaign.Name, w.campaign.Detectors = "regress, hubs", w.quickDetectors()
		// All but subscribe, which starts no hub, and peers that leave the hub full of what it keeps.
		w.campaign.Crowd.Scenarios = append(harness.Scenarios()[:1], w.ownScenarios(w.config)[1:]...)
		w.campaign.Fill = filling
		w.campaign.Peers = func(string) int { return 64 }
		w.campaign.Cycles = 3
		w.campaign.Crowd.AtOnce = 16
		Expect(w.judge(ctx)).To(LeakNothing())
	}, SpecTimeout(5*time.Minute))
})
