package loadgen

import (
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
)

var smallStall = Phase{Peers: 2, Rate: 1500, Duration: 15 * time.Second, Params: map[string]string{"bystanders": "4", "bytes": "3500", "calm": "500ms", "slow": "10s"}}

// Our hub ends who does not read, and serves the others.
func TestStall(t *testing.T) {
	t.Parallel()
	r := runProfile(t, ourHub(t, hub.Config{QueueBytes: 256 << 10}), "stall", smallStall)
	if len(r.Verdict.Failures) > 0 || r.figure("that the target ended") != 2 || r.figure("ended after") <= 0 {
		t.Errorf("failures %v, figures %+v", r.Verdict.Failures, r.Figures)
	}
	if d := r.Deliveries; d.Sent == 0 || d.Lost > 0 || r.Latencies.Hops[HopPing].Latency.Count() == 0 {
		t.Errorf("deliveries %+v", d)
	}
}

// A hub that keeps everything fails, and its page says so.
func TestStallUnbounded(t *testing.T) {
	t.Parallel()
	stall := smallStall
	stall.Rate, stall.Duration = 300, 5*time.Second
	stall.Params = map[string]string{"bystanders": "4", "bytes": "40000", "calm": "500ms", "slow": "10s"}
	r := runProfile(t, (&toyHub{keepsAll: true}).start(t), "stall", stall)
	if r.Verdict.Outcome != verdict.Failed || !strings.Contains(r.Verdict.Failures[0].What, "keeps what is sent") {
		t.Errorf("outcome %s, failures %v, figures %+v", r.Verdict.Outcome, r.Verdict.Failures, r.Figures)
	}
}

// A hub whose other peers wait for who does not read fails.
func TestStallOthersSuffer(t *testing.T) {
	t.Parallel()
	stall := smallStall
	stall.Rate, stall.Duration = 300, 5*time.Second
	stall.Params = map[string]string{"bystanders": "4", "bytes": "40000", "calm": "500ms", "slow": "500ms"}
	r := runProfile(t, (&toyHub{waits: true}).start(t), "stall", stall)
	if r.Verdict.Outcome != verdict.Failed || !strings.Contains(r.Verdict.Failures[0].What, "others") && !strings.Contains(r.Verdict.Failures[0].What, "bystander") {
		t.Errorf("outcome %s, failures %v, figures %+v", r.Verdict.Outcome, r.Verdict.Failures, r.Figures)
	}
}
