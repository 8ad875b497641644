package loadgen

import (
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
)

var smallSpike = Phase{Peers: 40, Rate: 300, Duration: 50 * time.Millisecond, Networks: 4, Params: map[string]string{"herds": "2", "wait": "100ms", "patience": "10s"}}

func TestSpike(t *testing.T) {
	t.Parallel()
	r := runProfile(t, ourHub(t, hub.Config{}), "spike", smallSpike)
	r.well(t, 40)
	if r.figure("herd 1: back") != 40 || r.figure("herd 2: back") != 40 || r.figure("herd 2: recovery") < .1 {
		t.Errorf("figures %+v", r.Figures)
	}
	if n := r.Latencies.Hops[HopBack].Latency.Count(); n != 80 {
		t.Errorf("%d times of the way back were taken, want 80", n)
	}
}

// A hub that does not take all of a herd is doubted.
func TestSpikeRefused(t *testing.T) {
	t.Parallel()
	spike := smallSpike
	spike.Params = map[string]string{"herds": "1", "wait": "100ms", "patience": "1s"}
	r := runProfile(t, (&toyHub{accepts: 61}).start(t), "spike", spike)
	if r.Verdict.Outcome != verdict.Inconclusive || r.figure("herd 1: back") != 20 || r.figure("herd 1: failed") < 20 {
		t.Errorf("outcome %s, figures %+v", r.Verdict.Outcome, r.Figures)
	}
}
