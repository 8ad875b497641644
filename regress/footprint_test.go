package regress_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

const (
	idlers    = 400
	largeSize = 60 << 10 // of a message, which a hub takes in whole
)

// footprintLimits is what a peer may cost our hub over a pipe, a little more than
// half as much again as it does: 1,744 bytes of heap, and a stack of 4 KB or, under
// the race detector, of 8. Of what stays 3 bytes were measured; maps that keep the
// size of their peak would make it 85, and that much is not held against a hub.
func footprintLimits() detect.FootprintLimits {
	limits := detect.FootprintLimits{Heap: 2800, Stack: 6500, Left: 120}
	if raceEnabled {
		limits.Stack *= 2
	}
	return limits
}

var _ = Describe("a peer that has said much and idles", Serial, func() {
	It("costs little, and leaves nothing", Label("quick"), SpecTimeout(5*time.Minute), costsLittle)
	It("is known to cost much", Label("power"), SpecTimeout(time.Minute), costsLittle)
})

// costsLittle measures the hub against footprintLimits.
func costsLittle(ctx SpecContext) {
	began := time.Now()
	watch := detect.NewWatch()
	cfg := patientConfig()
	cfg.WriteTimeout, cfg.MessageTimeout = 20*time.Second, 20*time.Second
	cfg.Trace = hubtest.Trace(watch, func(wire.PeerID) string { return "idle/a peer" }) // the id would stay with it
	target, err := hubtest.StartPipes(cfg)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { _ = shutDown(target, stopLimit) })
	watch.Paths, watch.Roots = true, target.Roots()
	holders := detect.Detectors{watch, &detect.Census{Roots: target.Roots()}} // what keeps that which stays

	var landed atomic.Int64
	f := &detect.Footprint{Ignore: isTheSpecs, Settled: func(ctx context.Context) error { return atRest(ctx, target) }}
	Expect(f.Measure(ctx, func(ctx context.Context, n int) (func(), error) {
		if n == idlers {
			Expect(holders.Baseline(ctx, detect.NewReading(0))).To(Succeed())
		}
		return gatherTalkers(ctx, target, n, &landed)
	}, idlers)).To(Succeed())
	GinkgoWriter.Printf("there:\n%s\nleft:\n%s\n", f.Held, f.Left)
	run := idleRun(f, landed.Load())
	run.Target, run.Start, run.Duration = target.URL(), began, time.Since(began)
	Expect(holders.Cycle(ctx, detect.NewReading(idlers))).To(Succeed())
	held, err := holders.Findings(ctx)
	Expect(err).NotTo(HaveOccurred())
	if len(run.Findings) == 0 {
		// After one cycle a collection that breathes looks like one that grows: the
		// census says where something is, not whether.
		held = slices.DeleteFunc(held, func(f verdict.Finding) bool { return f.Detector == "census" })
	}
	run.Findings = ofOneScenario(append(run.Findings, held...), "idle")
	Expect(summary.add(run)).To(LeakNothing())
}

// idleRun is the run of one crowd.
func idleRun(f *detect.Footprint, landed int64) verdict.Run {
	run := verdict.Run{
		Name: "regress, idle", Seed: uint64(GinkgoRandomSeed()), Lives: landed,
		Scenarios: []verdict.Scenario{{Name: "idle", Planned: idlers + 3*(idlers/10), Landed: landed}},
		Cycles:    []verdict.Cycle{{Doses: map[string]int64{"idle": idlers}}},
		Detectors: []verdict.Detector{
			// What may stay is as much as so many whole peers.
			{Name: "footprint", State: verdict.Ready, Unit: "peer", Noise: footprintLimits().Left * idlers / f.Held.Heap},
			{Name: "watch", State: verdict.Ready}, {Name: "census", State: verdict.Off, Why: "it says where what stays is, no more"},
		},
		Findings: f.Findings(footprintLimits()),
	}
	return run
}

// ofOneScenario says of findings what is clear in a run of one scenario and one
// cycle.
func ofOneScenario(found []verdict.Finding, scenario string) []verdict.Finding {
	for i := range found {
		n := found[i].Count
		found[i].PerCycle, found[i].PerScenario = []int64{n}, map[string]int64{scenario: n}
	}
	return found
}

// isTheSpecs says of an allocation that the peers made it, not the hub.
func isTheSpecs(stack []verdict.Site) bool {
	for _, s := range stack {
		if strings.Contains(s.Function, "/regress") {
			return true
		}
	}
	return false
}

// atRest waits until the sessions are gone and the monitor, which gives back what a
// peak needed, has looked for a third of a second at a hub that does not change.
func atRest(ctx context.Context, target *hubtest.Target) error {
	var seen hub.Stats
	looks := 0
	return settle.Until(ctx, func() error {
		st := target.Hub.Stats()
		if st.Memory.At.Equal(seen.Memory.At) {
			return errors.New("the monitor does not look")
		}
		if looks++; st.Sessions > 0 || st.Goroutines != seen.Goroutines {
			looks = 0
		}
		if seen = st; looks < 7 {
			return fmt.Errorf("%d sessions and %d goroutines are left", st.Sessions, st.Goroutines)
		}
		return nil
	})
}

// gatherTalkers has peers join, each with much to say, and idle. Of each no more is
// left than its end of the pipe.
func gatherTalkers(ctx context.Context, target *hubtest.Target, n int, landed *atomic.Int64) (leave func(), err error) {
	conns, errs := make([]net.Conn, n), make([]error, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if conns[i], errs[i] = talk(ctx, target); errs[i] == nil {
					landed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close() // the hub may have been quicker
			}
		}
		clear(conns)
	}, errors.Join(errs...)
}

// talk is a peer whose words are few and whose messages are large: an announce with
// much beside the name and the data, a signal to itself and one to nobody.
func talk(ctx context.Context, target *hubtest.Target) (net.Conn, error) {
	id := wire.NewPeerID()
	c, err := wire.Dial(ctx, target.URL(), id, &wire.DialOptions{NetDialContext: target.Dial})
	if err != nil {
		return nil, err
	}
	padding := strings.Repeat("x", largeSize)
	network := "idle " + string(id)
	announce := fmt.Sprintf(`{"type":"announce","networkName":%q,"padding":%q,"data":{"peerId":%q}}`, network, padding, id)
	large, err := json.Marshal(padding)
	if err != nil {
		return nil, err
	}
	c.SetReceiveDeadline(time.Now().Add(time.Minute))
	_, greeted := c.Receive()
	err = errors.Join(greeted, c.SendRaw([]byte(announce)), c.Signal(wire.KindOffer, wire.NewPeerID(), network, large),
		c.Signal(wire.KindOffer, id, network, large), c.SendRaw([]byte(`{"type":"ping"}`)))
	for err == nil {
		var m wire.Message
		if m, err = c.Receive(); m.Type == wire.KindPong.String() {
			break
		}
	}
	return c.NetConn(), err
}
