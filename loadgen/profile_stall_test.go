package loadgen

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

var smallStall = plan.Phase{Peers: 2, Rate: 1500, Duration: 15 * time.Second, Params: map[string]string{"bystanders": "4", "bytes": "3500", "calm": "500ms", "slow": "10s"}}

// The hub of this repository ends peers that do not read, and serves the others.
func TestStall(t *testing.T) {
	t.Parallel()
	r := runProfile(t, ourHub(t, hub.Config{QueueBytes: 256 << 10}), "stall", smallStall)
	if len(r.Verdict.Failures) > 0 || figureOf(&r, "that the target ended") != 2 || figureOf(&r, "ended after") <= 0 {
		t.Errorf("failures %v, figures %+v", r.Verdict.Failures, r.Figures)
	}
	if d := r.Deliveries; d.Sent == 0 || d.Lost > 0 || r.Latencies.Hops[latency.HopPing].Latency.Count() == 0 {
		t.Errorf("deliveries %+v", d)
	}
}

// A hub that keeps everything fails, and its page says so.
func TestStallUnbounded(t *testing.T) {
	t.Parallel()
	stall := smallStall
	stall.Peers, stall.Rate, stall.Duration = 1, 300, 5*time.Second
	stall.Params = map[string]string{"bystanders": "4", "bytes": "40000", "calm": "500ms", "slow": "10s"}
	r := run(t, Config{URL: (&toyHub{keepsAll: true}).start(t), Plan: planWith(t, "stall", stall), waits: impatient})
	if r.Verdict.Outcome != verdict.Failed || !strings.Contains(r.Verdict.Failures[0].What, "keeps what is sent") {
		t.Errorf("outcome %s, failures %v, figures %+v", r.Verdict.Outcome, r.Verdict.Failures, r.Figures)
	}
}

// A hub whose other peers wait for one that does not read fails.
func TestStallOthersSuffer(t *testing.T) {
	t.Parallel()
	stall := smallStall
	stall.Rate, stall.Duration = 300, 5*time.Second
	stall.Params = map[string]string{"bystanders": "4", "bytes": "40000", "calm": "500ms", "slow": "500ms"}
	r := run(t, Config{URL: (&toyHub{waits: true}).start(t), Plan: planWith(t, "stall", stall), waits: impatient})
	if r.Verdict.Outcome != verdict.Failed || !strings.Contains(r.Verdict.Failures[0].What, "others") && !strings.Contains(r.Verdict.Failures[0].What, "bystander") {
		t.Errorf("outcome %s, failures %v, figures %+v", r.Verdict.Outcome, r.Verdict.Failures, r.Figures)
	}
}

// Bystanders send to each other when the target has read their announces. Their first messages
// were counted as lost by the target.
func TestStallAwaitsAnnounces(t *testing.T) {
	t.Parallel()
	stall := smallStall
	stall.Rate, stall.Duration = 300, 500*time.Millisecond
	stall.Params = maps.Clone(stall.Params)
	stall.Params["bystanders"] = "5" // an odd number: each sends to a late one
	r := run(t, Config{URL: (&toyHub{late: time.Second}).start(t), Plan: planWith(t, "stall", stall)})
	if d := r.Deliveries; d.Lost != 0 || d.Delivered == 0 {
		t.Errorf("%+v", d)
	}
}

// Bystanders hear of ends while the figures are noted.
func TestStallToldLate(t *testing.T) {
	t.Parallel()
	x := newStall(phaseRunOf("stall"))
	x.stalled = []*Peer{{id: ann, over: true}}
	whileTold(func(id wire.PeerID) { x.notice(&Peer{}, codec.Event{Kind: codec.EventGone, Peer: id}) }, func() {
		x.checkQueueBound(t.Context(), 0, "")
	})
}

// phaseRunOf returns a phase of a profile without probes.
func phaseRunOf(word string) *phaseRun {
	return &phaseRun{Phase: plan.Phase{Profile: word, Peers: 1, Networks: 1}, fleet: newFleet("", codec.PeerPigeon{}), target: &target{waits: usualWaits}, networks: []*network{newNetwork("n", nil)},
		evidence: &verdict.Run{}, figures: &[]report.Figure{}}
}

// whileTold reports one peer after another in a goroutine while it calls do.
func whileTold(hear func(wire.PeerID), do func()) {
	over, begun, stop := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for i := uint64(0); ; i++ {
			hear(schedule.PeerID(1, i))
			switch {
			case i == 0:
				close(begun)
			case i > 1000:
				select {
				case <-stop:
					return
				default:
				}
			}
		}
	}()
	<-begun
	do()
	close(stop)
	<-over
}
