package loadgen

import (
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// No peer signals to a member before the target has read its announce. Such messages were
// counted as lost by the target.
func TestSignalAwaitsAnnounces(t *testing.T) {
	t.Parallel()
	url := (&toyHub{late: 500 * time.Millisecond}).start(t)
	r := runProfile(t, url, "signal", plan.Phase{Peers: 10, Rate: 200, Networks: 1, Duration: 200 * time.Millisecond})
	if d := r.Deliveries; d.Lost != 0 || d.Delivered < 100 {
		t.Errorf("%+v", d)
	}
}

// A hub that relays in order is not said to do otherwise: the toy hub did not, and so a
// check of it was inconclusive now and then.
func TestSignalsStayInOrder(t *testing.T) {
	t.Parallel()
	r := runProfile(t, (&toyHub{}).start(t), "signal", plan.Phase{Peers: 2, Rate: 5000, Networks: 1, Duration: time.Second})
	if d := r.Deliveries; d.Reordered != 0 || d.Delivered < 100 {
		t.Errorf("%+v", d)
	}
}
