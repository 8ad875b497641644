package loadgen

import (
	"context"
	"errors"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// The steps of scenarios.

// announce enters a network of the phase.
func announce(_ context.Context, l *life, t schedule.Tick) error {
	return l.peer.announce(l.phaseRun.drawNetwork(l.rng), t)
}

// roam enters a network of the peer's own, so that what is retained of each such peer can
// be counted.
func roam(_ context.Context, l *life, t schedule.Tick) error { return l.peer.announce(l.own(""), t) }

// own returns a network that no other peer enters.
func (l *life) own(suffix string) *network {
	return newNetwork(l.phaseRun.networks[0].name+"-"+string(l.id)+suffix, l.phaseRun.fleet.rec)
}

// leaving leaves once the target has greeted the peer. Before that, it would be an early
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

// pinging sends a ping, the answer to which shows that the target has read the announce.
func pinging(_ context.Context, l *life, t schedule.Tick) error { return l.peer.ping(t) }

// early leaves at once.
func early(_ context.Context, l *life, t schedule.Tick) error {
	l.peer.leave(LeaveEarly, t)
	return nil
}

// end ends a connection that was kept open.
func end(_ context.Context, l *life, _ schedule.Tick) error {
	l.peer.end()
	return nil
}

// offer sends an offer to another member of the network. If there is none, it sends it to a
// peer that does not exist, which a hub must also survive.
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

// second connects again with the id of the peer, and announces as shipped clients do. The
// target may refuse it, or end the first connection.
func second(ctx context.Context, l *life, t schedule.Tick) error {
	l.peer.excuse()
	p, err := l.phaseRun.fleet.connect(ctx, &Peer{id: l.id, dialled: t, excused: true})
	if errors.Is(err, websocket.ErrBadHandshake) {
		return nil // the target refused it, which it may
	}
	if err != nil {
		return err
	}
	l.second = p
	// The network knows its id already. A refusal may come before the announce.
	_ = l.phaseRun.fleet.send(p, l.phaseRun.fleet.codec.Announce(l.id, l.peer.in().name))
	return nil
}

// leavingBoth ends both connections of a peer. The target must have kept one of them.
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

// endBoth ends both connections of the peer.
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

// claim announces that the peer is a hub, or that it is not. The first claim enters a
// network.
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

// announceAfterGoodbye announces after the goodbye into a network of the peer's own, as a
// hub if the protocol has hubs. A target that closes the connection at the goodbye is
// right, too.
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

// enterOwn enters a network of the peer's own, whose name has the given suffix. The target
// may refuse a long name.
func enterOwn(suffix string) func(context.Context, *life, schedule.Tick) error {
	return func(_ context.Context, l *life, t schedule.Tick) error {
		if suffix != "" {
			l.peer.excuse()
		}
		return l.peer.announce(l.own(suffix), t)
	}
}

// moveOn moves to a network of the phase, unless the target has ended the connection, which
// it may. A hub that forgets to remove the peer from its first network keeps the name of
// that.
func moveOn(_ context.Context, l *life, t schedule.Tick) error {
	err := l.peer.announce(l.phaseRun.drawNetwork(l.rng), t)
	switch {
	case err == nil || l.peer.isOver() || errors.Is(err, errLeft):
		return nil
	default: // the reader has not come to the end of the connection yet
		return errLater
	}
}

// leavingIfThere leaves, unless the target has ended the connection, which it may.
func leavingIfThere(ctx context.Context, l *life, t schedule.Tick) error {
	if l.peer.isOver() {
		return nil
	}
	return leaving(LeavePolite)(ctx, l, t)
}

// moveTo enters network i of the phase.
func moveTo(i int) func(context.Context, *life, schedule.Tick) error {
	return func(_ context.Context, l *life, t schedule.Tick) error {
		return l.peer.announce(l.phaseRun.networks[i%len(l.phaseRun.networks)], t)
	}
}

// talkOn sends a ping and an offer, and a candidate if the network has another member.
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
