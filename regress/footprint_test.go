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
	idlePeers = 400
	largeSize = 60 << 10 // bytes of a message, which the hub buffers whole
)

// footprintLimits returns the bytes that an idle peer may cost a hub over a pipe: about half
// more than the 1,744 bytes of heap that were measured. Three bytes a peer were measured to stay. Maps
// that keep the size of their peak leave 85, which is no leak, so the limit is above that.
func footprintLimits() detect.FootprintLimits {
	return detect.FootprintLimits{Heap: 2800, Left: 120}
}

// costOfStack returns the condition that an idle peer over a pipe costs at most 6,500 bytes of stack: 4 KB
// were measured, and the race detector doubles it. More is dear, but no leak.
func costOfStack(held detect.Cost) verdict.Threshold {
	most := 6500.0
	if raceEnabled {
		most *= 2
	}
	t := verdict.Threshold{Text: fmt.Sprintf("stack(idle peer)<=%.0fB", most), Outcome: verdict.Pass, Actual: fmt.Sprintf("%.0fB", held.Stack)}
	if held.Stack > most {
		t.Outcome = verdict.Failed
	}
	return t
}

var _ = Describe("an idle peer that has sent large messages", Serial, func() {
	It("costs little memory, and none after it leaves", Label("quick"), SpecTimeout(5*time.Minute), testFootprint)
	It("costs little memory, if the hub is no mutant", Label("power"), SpecTimeout(time.Minute), testFootprint)
})

// testFootprint compares the memory of idle peers with footprintLimits.
func testFootprint(ctx SpecContext) {
	began := time.Now()
	watch := detect.NewWatch()
	cfg := patientConfig()
	cfg.WriteTimeout, cfg.MessageTimeout = 20*time.Second, 20*time.Second
	cfg.Trace = hubtest.Trace(watch, func(wire.PeerID) string { return "idle/a peer" }) // a label with the id would retain the id
	target, err := hubtest.StartPipes(cfg)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { _ = shutDown(target, stopLimit) })
	watch.Paths, watch.Roots = true, target.Roots()
	holders := detect.Detectors{watch, &detect.Census{Roots: target.Roots()}} // these name what retains memory

	for range filled / idlePeers {
		g, err := gather(ctx, target, idlePeers, 64)
		DeferCleanup(g.leave)
		Expect(err).NotTo(HaveOccurred())
		g.leave()
	}
	Expect(awaitRest(ctx, target)).To(Succeed())

	var landed atomic.Int64
	f := &detect.Footprint{Ignore: isOfSpecs, Settled: func(ctx context.Context) error { return awaitRest(ctx, target) }}
	Expect(f.Measure(ctx, func(ctx context.Context, n int) (func(), error) {
		if n == idlePeers {
			Expect(holders.Baseline(ctx, detect.NewReading(0))).To(Succeed())
		}
		return joinTalkers(ctx, target, n, &landed)
	}, idlePeers)).To(Succeed())
	GinkgoWriter.Printf("while the peers are connected:\n%s\nafter they have left:\n%s\n", f.Held, f.Left)
	run := idleRun(f, landed.Load())
	run.Findings = idleFindings(ctx, f, holders, detect.NewReading(idlePeers))
	if len(run.Findings) > 0 {
		Expect(settle.Pause(ctx, detect.LateFor)).To(BeTrue())
		Expect(f.ReadLeft(ctx)).To(Succeed())
		later := detect.NewReading(0)
		later.Trial = true // growth is judged by the reading with peers
		run.Findings = idleFindings(ctx, f, holders, later)
	}
	run.Thresholds = append(run.Thresholds, costOfStack(f.Held))
	run.Target, run.Start, run.Duration = target.URL(), began, time.Since(began)
	Expect(summary.add(run)).To(LeakNothing())
}

// idleRun returns the run of one cycle of idle peers.
func idleRun(f *detect.Footprint, landed int64) verdict.Run {
	run := verdict.Run{
		Name: "regress, idle", Seed: uint64(GinkgoRandomSeed()), Lives: landed,
		Scenarios: []verdict.Scenario{{Name: "idle", Planned: idlePeers + 3*(idlePeers/10), Landed: landed}},
		Cycles:    []verdict.Cycle{{Doses: map[string]int64{"idle": idlePeers}}},
		Detectors: []verdict.Detector{
			// The noise is the tolerated rest of all peers, counted in connected peers.
			{Name: "footprint", State: verdict.Ready, Unit: "peer", Noise: footprintLimits().Left * idlePeers / f.Held.Heap},
			{Name: "watch", State: verdict.Ready}, {Name: "census", State: verdict.Off, Why: "it only names where a leak is that footprint has found"},
		},
	}
	return run
}

// idleFindings returns what footprint and holders find.
func idleFindings(ctx context.Context, f *detect.Footprint, holders detect.Detectors, r *detect.Reading) []verdict.Finding {
	Expect(holders.Cycle(ctx, r)).To(Succeed())
	held, err := holders.Findings(ctx)
	Expect(err).NotTo(HaveOccurred())
	found := f.Findings(footprintLimits())
	if len(found) == 0 {
		// After one cycle a collection that fluctuates looks like one that grows, so the
		// census only names where a leak is that footprint has found.
		held = slices.DeleteFunc(held, func(f verdict.Finding) bool { return f.Detector == "census" })
	}
	return ofOneScenario(append(found, held...), "idle")
}

// ofOneScenario attributes the findings to the only scenario and the only cycle of their run.
func ofOneScenario(found []verdict.Finding, scenario string) []verdict.Finding {
	for i := range found {
		n := found[i].Count
		found[i].PerCycle, found[i].PerScenario = []int64{n}, map[string]int64{scenario: n}
	}
	return found
}

// isOfSpecs reports whether the peers of the specs made an allocation, and not the hub.
func isOfSpecs(stack []verdict.Site) bool {
	for _, s := range stack {
		if strings.Contains(s.Function, "/regress") {
			return true
		}
	}
	return false
}

// awaitRest waits until the hub has no session and did not change during seven readings of its
// memory monitor, a third of a second. The monitor releases what the peak needed.
func awaitRest(ctx context.Context, target *hubtest.Target) error {
	var seen hub.Stats
	unchanged := 0
	return settle.Until(ctx, func() error {
		st := target.Hub.Stats()
		if st.Memory.At.Equal(seen.Memory.At) {
			return errors.New("the memory monitor takes no readings")
		}
		if unchanged++; st.Sessions > 0 || st.Goroutines != seen.Goroutines {
			unchanged = 0
		}
		if seen = st; unchanged < 7 {
			return fmt.Errorf("the hub has %d sessions and %d goroutines", st.Sessions, st.Goroutines)
		}
		return nil
	})
}

// joinTalkers joins n peers that send large messages and then idle. It keeps only the client's
// end of each pipe, so that the clients cost little memory beside the hub.
func joinTalkers(ctx context.Context, target *hubtest.Target, n int, landed *atomic.Int64) (leave func(), err error) {
	conns, errs := make([]net.Conn, n), make([]error, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if conns[i], errs[i] = sendLarge(ctx, target); errs[i] == nil {
					landed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close() // the hub may have closed it first
			}
		}
		clear(conns)
	}, errors.Join(errs...)
}

// sendLarge joins a peer that sends an announce with a large unknown field, a large signal to
// itself and one to an id that is not connected.
func sendLarge(ctx context.Context, target *hubtest.Target) (net.Conn, error) {
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
