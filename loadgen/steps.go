package loadgen

import (
	"context"
	"errors"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
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

// second connects a second time with the id of the peer, and announces as shipped
// clients do. The target may refuse it, or end the first connection.
func second(ctx context.Context, l *life, t schedule.Tick) error {
	l.peer.excuse()
	p, err := l.phaseRun.fleet.connect(ctx, &Peer{id: l.id, dialled: t, excused: true})
	if errors.Is(err, websocket.ErrBadHandshake) {
		return nil // that is a way to refuse
	}
	if err != nil {
		return err
	}
	l.second = p
	// Its id is in the books of the room already. A refusal may come before the announce.
	_ = l.phaseRun.fleet.send(p, l.phaseRun.fleet.codec.Announce(l.id, l.peer.in().name))
	return nil
}

// leavingBoth ends both connections of a peer, of which the target must have kept one.
func leavingBoth(_ context.Context, l *life, t schedule.Tick) error {
	switch {
	case l.second != nil && l.peer.isOver() && l.second.isOver():
		return errCut
	case !l.peer.isOver() && !l.peer.isGreeted():
		return errLater
	}
	l.endBoth(t)
	return nil
}

func (l *life) endBoth(t schedule.Tick) {
	if l.second != nil {
		l.second.leave(LeavePolite, t)
	}
	l.peer.leave(LeavePolite, t)
	if l.peer.isKept() {
		l.peer.end()
	}
	l.phaseRun.fleet.ledger.Left(l.id)
}

// claim says that the peer is a hub, or that it is none; the first time it enters a
// network by that.
func claim(isHub bool) func(context.Context, *life, schedule.Tick) error {
	return func(_ context.Context, l *life, t schedule.Tick) error {
		f := l.phaseRun.fleet
		if isHub {
			l.peer.hub.Store(true) // from now on, for what is under way
		}
		announcer, r := f.codec.(codec.HubAnnouncer), l.peer.in()
		if r == nil {
			r = l.phaseRun.drawNetwork(l.rng)
			return l.peer.announceBy(announcer.AnnounceHub(l.id, r.name, isHub), r, t)
		}
		if l.peer.isOver() {
			return errCut
		}
		return f.send(l.peer, announcer.AnnounceHub(l.id, r.name, isHub))
	}
}

// announceAfterGoodbye announces, as a hub where there are such, after the goodbye, into a network of
// its own. A target that closed the connection at the goodbye has done well.
func announceAfterGoodbye(_ context.Context, l *life, _ schedule.Tick) error {
	f, r := l.phaseRun.fleet, l.own("-ghost")
	message := f.codec.Announce(l.id, r.name)
	if c, ok := f.codec.(codec.HubAnnouncer); ok {
		message = c.AnnounceHub(l.id, r.name, true)
		l.peer.hub.Store(true)
	}
	if !l.peer.isOver() {
		_ = f.send(l.peer, message)
	}
	return nil
}

// enterOwn enters a network of the peer's own, whose name ends so. The target may
// refuse a long name.
func enterOwn(suffix string) func(context.Context, *life, schedule.Tick) error {
	return func(_ context.Context, l *life, t schedule.Tick) error {
		if suffix != "" {
			l.peer.excuse()
		}
		return l.peer.announce(l.own(suffix), t)
	}
}

// moveOn goes to a network that others are in, too, unless the target was free to end
// the connection and did: who forgets to leave the one before keeps its name.
func moveOn(_ context.Context, l *life, t schedule.Tick) error {
	err := l.peer.announce(l.phaseRun.drawNetwork(l.rng), t)
	switch {
	case err == nil || l.peer.isOver() || errors.Is(err, errLeft):
		return nil
	default: // the reader has not come to the end of the connection yet
		return errLater
	}
}

// leavingIfThere leaves, unless the target was free to end the connection and did.
func leavingIfThere(ctx context.Context, l *life, t schedule.Tick) error {
	if l.peer.isOver() {
		return nil
	}
	return leaving(LeavePolite)(ctx, l, t)
}

// moveTo enters a certain network of the stage.
func moveTo(i int) func(context.Context, *life, schedule.Tick) error {
	return func(_ context.Context, l *life, t schedule.Tick) error {
		return l.peer.announce(l.phaseRun.networks[i%len(l.phaseRun.networks)], t)
	}
}

// talkOn pings, and signals to another member if there is one.
func talkOn(ctx context.Context, l *life, t schedule.Tick) error {
	if err := offer(ctx, l, t); err != nil {
		return err
	}
	if err := l.peer.ping(t); err != nil {
		return err
	}
	r := l.peer.in()
	other := r.other(l.peer, l.rng)
	if other == nil {
		return nil
	}
	return l.peer.signal(wire.KindICECandidate, other.id, r.name, t)
}
