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

// While a target hands over, a peer that has returned is not in the same process as one that has
// not, and no message goes from one to the other.
func TestOtherHasReturnedAsOften(t *testing.T) {
	t.Parallel()
	r := newNetwork("n", latency.NewRecorder())
	join := func(id wire.PeerID, returned int) *Peer {
		p := &Peer{fleet: newFleet("", codec.PeerPigeon{}), id: id, returned: returned}
		r.join(p, schedule.Tick{})
		r.discovered(p, id)
		return p
	}
	rng := rand.New(rand.NewPCG(1, 2))
	a, b := join(ann, 0), join(bob, 1)
	if got := r.other(a, rng); got != nil {
		t.Errorf("a message goes to %v, in another process", got.id)
	}
	r.leave(a, schedule.Tick{}, false)
	again := join(ann, 1)
	if r.other(again, rng) != b || r.other(b, rng) != again {
		t.Error("no message goes to a peer in the same process")
	}
}
