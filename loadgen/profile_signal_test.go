package loadgen

import (
	"testing"
	"time"
)

// Nobody signals to a member before the target has read its announce: such messages were
// told as lost by the target.
func TestSignalAwaitsAnnounces(t *testing.T) {
	t.Parallel()
	url := (&toyHub{late: 500 * time.Millisecond}).start(t)
	r := runProfile(t, url, "signal", Phase{Peers: 10, Rate: 200, Networks: 1, Duration: 200 * time.Millisecond})
	if d := r.Deliveries; d.Lost != 0 || d.Delivered < 100 {
		t.Errorf("%+v", d)
	}
}
