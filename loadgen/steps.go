package loadgen

import (
	"context"
	"errors"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// What the peers of a scenario do at its steps.

// announce enters a network of the stage.
func announce(_ context.Context, l *life, t schedule.Tick) error {
	return l.peer.announce(l.phaseRun.drawNetwork(l.rng), t)
}

// roam enters a network of its own: what stays behind of each such peer can be
// counted.
func roam(_ context.Context, l *life, t schedule.Tick) error { return l.peer.announce(l.own(""), t) }

// own returns a network that no other peer knows.
func (l *life) own(suffix string) *network {
	return newNetwork(l.phaseRun.networks[0].name+"-"+string(l.id)+suffix, l.phaseRun.fleet.rec)
}

// leaving leaves once the target has greeted the peer: before, it would be an early
// close.
func leaving(how Leave) func(context.Context, *life, schedule.Tick) error {
	return func(_ context.Context, l *life, t schedule.Tick) error {
		switch {
		case l.peer.isOver():
			return errCut
		case !l.peer.isGreeted():
			return errLater
		}
		l.peer.leave(how, t)
		return nil
	}
}

var errCut = errors.New("the target ended the connection")

// early leaves at once.
func early(_ context.Context, l *life, t schedule.Tick) error {
	l.peer.leave(LeaveEarly, t)
	return nil
}

// end ends a connection that was kept.
func end(_ context.Context, l *life, _ schedule.Tick) error {
	l.peer.end()
	return nil
}

// offer offers to another member of the network, or to a peer that is not there if
// nobody else is: a hub must get over that, too.
func offer(_ context.Context, l *life, t schedule.Tick) error {
	switch {
	case l.peer.isOver():
		return errCut
	case !l.peer.isGreeted():
		return errLater
	}
	r := l.peer.in()
	to := schedule.PeerID(^l.phaseRun.seed)
	if other := r.other(l.peer, l.rng); other != nil {
		to = other.id
	}
	return l.peer.signal(wire.KindOffer, to, r.name, t)
}
