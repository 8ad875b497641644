package loadgen

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// The hub of this repository accepts only hubs that it knows: a reported peer is not
// announced.
func TestHubs(t *testing.T) {
	t.Parallel()
	figures := plan.Phase{Peers: 40, Rate: 300, Networks: 2, Params: map[string]string{"stay": "60ms"}}
	r := runProfile(t, ourHub(t, hub.Config{IsHub: true}), "hubs", figures)
	wantWell(t, &r, 40)
	if figureOf(&r, "claim to be hubs") < 40 || figureOf(&r, "reported peers") != 0 {
		t.Errorf("figures %+v", r.Figures)
	}
}

// A hub that accepts any peer as a hub is found out. The peers stay until all are connected
// on any machine, because a peer that is alone hears of no other.
func TestHubsBelieved(t *testing.T) {
	t.Parallel()
	figures := plan.Phase{Peers: 20, Rate: 300, Networks: 2, Params: map[string]string{"stay": "2s"}}
	r := runProfile(t, (&toyHub{believes: true}).start(t), "hubs", figures)
	if figureOf(&r, "reported peers") < 20 {
		t.Errorf("figures %+v", r.Figures)
	}
}

// A notice without a peer id does no harm.
func TestHubsNoticeOfNobody(t *testing.T) {
	t.Parallel()
	figures := plan.Phase{Peers: 2, Rate: 300, Networks: 1, Params: map[string]string{"stay": "20ms"}}
	r := runProfile(t, (&toyHub{tellsNobody: true}).start(t), "hubs", figures)
	if figureOf(&r, "claim to be hubs") < 1 || figureOf(&r, "reported peers") != 0 {
		t.Errorf("figures %+v", r.Figures)
	}
}
