package loadgen

import (
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
)

var smallSpike = plan.Phase{Peers: 40, Rate: 300, Duration: 50 * time.Millisecond, Networks: 4, Params: map[string]string{"herds": "2", "wait": "100ms", "patience": "10s"}}

func TestSpike(t *testing.T) {
	t.Parallel()
	r := runProfile(t, ourHub(t, hub.Config{}), "spike", smallSpike)
	wantWell(t, &r, 40)
	if figureOf(&r, "herd 1: back") != 40 || figureOf(&r, "herd 2: back") != 40 || figureOf(&r, "herd 2: recovery") < .1 {
		t.Errorf("figures %+v", r.Figures)
	}
	if n := r.Latencies.Hops[latency.HopBack].Latency.Count(); n != 80 {
		t.Errorf("%d times of the way back were taken, want 80", n)
	}
}

// A hub that does not take all of a herd is doubted.
func TestSpikeRefused(t *testing.T) {
	t.Parallel()
	spike := smallSpike
	spike.Params = map[string]string{"herds": "1", "wait": "100ms", "patience": "4s"}
	r := runProfile(t, (&toyHub{accepts: 61, patient: true}).start(t), "spike", spike)
	if r.Verdict.Outcome != verdict.Inconclusive || figureOf(&r, "herd 1: back") != 20 || figureOf(&r, "herd 1: failed") < 20 {
		t.Errorf("outcome %s, figures %+v", r.Verdict.Outcome, r.Figures)
	}
}

// A peer that one herd has left behind returns with the next, which does not count its time.
func TestSpikeAbsentComeBack(t *testing.T) {
	t.Parallel()
	h := &toyHub{patient: true}
	r := spikeAt(h.start(t), map[string]string{"leave": "rst", "patience": "1s"})
	defer r.fleet.closeAll(time.Second)
	if err := r.gather(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.takes(5)
	r.herd(t.Context(), 1)
	absent := len(r.list) - r.present()
	h.takes(-1)
	r.Params["patience"] = "20s"
	r.herd(t.Context(), 2)
	res := report.Result{Figures: *r.figures}
	if absent < 3 || !r.complete() || figureOf(&res, "herd 2: back") != float64(8-absent) || figureOf(&res, "herd 2: absent") != float64(absent) {
		t.Errorf("%d of 8 were absent; figures %+v", absent, res.Figures)
	}
	if len(r.evidence.Doubts) != 1 || !strings.Contains(r.evidence.Doubts[0].What, "of 8 peers that came back at once") {
		t.Errorf("doubts %v", r.evidence.Doubts)
	}
	if n := int(r.fleet.rec.Snapshot().Hops[latency.HopBack].Latency.Count()); n != 2*(8-absent) {
		t.Errorf("%d times of the way back were taken, want %d", n, 2*(8-absent))
	}
}

// Whose connection has ended, and whose reader has not said so when the herd leaves,
// tries once and not twice: a second session would be refused.
func TestSpikeOneAttemptEach(t *testing.T) {
	t.Parallel()
	r := spikeAt("", nil)
	late := &Peer{id: ann, over: true}
	r.list = map[wire.PeerID]*returner{ann: {network: r.networks[0], peer: late, here: true}}
	r.here = 1
	r.scatter(LeaveReset)
	r.gone(late)
	if n := r.schedule.Len(); n != 1 || r.failed != 0 {
		t.Errorf("%d attempts are due, %d have failed", n, r.failed)
	}
}

// spikeAt is eight peers that are about to be herds.
func spikeAt(url string, params map[string]string) *returners {
	s := phaseRunOf("spike")
	s.fleet, s.counters = newFleet(url, codec.PeerPigeon{}), newCounters()
	s.networks = []*network{newNetwork("n", s.fleet.rec)}
	s.Peers, s.Rate, s.Params = 8, 400, params
	return newReturners(s, 20*time.Millisecond)
}
