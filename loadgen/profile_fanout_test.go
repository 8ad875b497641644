package loadgen

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func TestFanout(t *testing.T) {
	t.Parallel()
	r := runProfile(t, ourHub(t, hub.Config{}), "fanout", plan.Phase{Peers: 40, Rate: 200})
	wantWell(t, &r, 40)
	if figureOf(&r, "discoveries heard") != 40*39 || figureOf(&r, "leave notices heard") != 20*20 || figureOf(&r, "was known") != 0 {
		t.Errorf("figures %+v", r.Figures)
	}
}

// The toy hub notifies of joins, and not of leaves.
func TestFanoutIncomplete(t *testing.T) {
	t.Parallel()
	r := runProfile(t, (&toyHub{}).start(t), "fanout", plan.Phase{Peers: 10, Rate: 200, Params: map[string]string{"patience": "3s"}})
	if r.Verdict.Outcome != verdict.Inconclusive || figureOf(&r, "discoveries heard") != 90 || figureOf(&r, "leave notices heard") != 0 {
		t.Errorf("outcome %s, figures %+v", r.Verdict.Outcome, r.Figures)
	}
}

func TestAudience(t *testing.T) {
	t.Parallel()
	var ids []wire.PeerID
	var members []*Peer
	for i := range 130 { // more than a word has bits
		ids = append(ids, schedule.PeerID(1, uint64(i)))
		members = append(members, &Peer{id: ids[i]})
	}
	a := newVisibility("n", ids)
	for _, m := range members {
		for _, id := range ids {
			if id != m.id && (m.id != ids[3] || id != ids[100]) {
				a.hear(m, codec.Event{Kind: codec.EventDiscovered, Peer: id, Network: "n"})
			}
		}
	}
	if heard, pairs := a.heard(a.joined, ids, ids); pairs != 130*129 || heard != pairs-1 {
		t.Errorf("%d of %d", heard, pairs)
	}
	if heard, pairs := a.heard(a.joined, ids[100:101], ids[:4]); heard != 4 || pairs != 4 {
		t.Errorf("%d of %d", heard, pairs)
	}
	a.hear(members[0], codec.Event{Kind: codec.EventDiscovered, Peer: ids[1], Network: "n"})
	a.hear(members[0], codec.Event{Kind: codec.EventDiscovered, Peer: ids[1], Network: "m"})
	a.hear(members[0], codec.Event{Kind: codec.EventDiscovered, Peer: schedule.PeerID(2), Network: "n"})
	if again, wrong := a.counts(); again != 1 || wrong != 2 {
		t.Errorf("%d again, %d wrong", again, wrong)
	}
}

// Notices of peers of other networks make the hub fail.
func TestFanoutStrangers(t *testing.T) {
	t.Parallel()
	r := runProfile(t, (&toyHub{tellsAll: true}).start(t), "fanout", plan.Phase{Peers: 4, Rate: 200, Params: map[string]string{"patience": "2s"}})
	if r.Verdict.Outcome != verdict.Failed {
		t.Errorf("outcome %s, figures %+v", r.Verdict.Outcome, r.Figures)
	}
}
