package loadgen

import (
	"math/rand/v2"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// A message goes to a member only when a member has heard of it, if the target notifies
// members: the target may not have read its announce. A peer that joins anew is a new member.
func TestOtherHasBeenHeardOf(t *testing.T) {
	t.Parallel()
	notifying, silent := newFleet("", codec.PeerPigeon{}), newFleet("", &codec.Text{})
	r := newNetwork("n", latency.NewRecorder())
	join := func(f *fleet, id wire.PeerID) *Peer {
		p := &Peer{fleet: f, id: id}
		r.join(p, schedule.Tick{})
		return p
	}
	rng := rand.New(rand.NewPCG(1, 2))
	a, b := join(notifying, ann), join(notifying, bob)
	if got := r.other(a, rng); got != nil {
		t.Errorf("a message goes to %v before its announce was read", got.id)
	}
	r.discovered(a, bob)
	if got := r.other(a, rng); got != b {
		t.Errorf("no message goes to a member that was heard of")
	}
	r.leave(b, schedule.Tick{}, false)
	again := join(notifying, bob)
	if got := r.other(a, rng); got != nil {
		t.Errorf("a message goes to a member that joined anew before its announce was read")
	}
	if got := r.other(&Peer{fleet: silent}, rng); got != a && got != again {
		t.Errorf("no message goes to a member of a target that does not notify members")
	}
}
