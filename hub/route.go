package hub

import "github.com/pigeonhub/pigeonhub/hub/wire"

// handle does what one message asks for. It returns the reason to end the
// session, or ReasonNone.
func (h *Hub) handle(s *session, msg []byte, b *batch) wire.CloseReason {
	env, err := wire.Parse(msg)
	switch err {
	case nil:
	case wire.ErrTooDeep:
		return wire.ReasonTooDeep
	case wire.ErrNull:
		h.drop(DropNull)
		return wire.ReasonNone
	default:
		h.drop(DropMalformed)
		return wire.ReasonNone
	}
	h.counters.received[env.Kind].Add(1)
	switch {
	case env.Kind == wire.KindAnnounce:
		why := h.announce(s, &env, b)
		s.timeAnnounce()
		return why
	case env.Kind.Signal(), env.Kind.Renegotiation() && h.policy().RelayRenegotiation:
		h.relay(s, &env, b)
	case env.Kind == wire.KindGoodbye:
		h.goodbye(s, &env, b)
		return wire.ReasonGoodbye
	case env.Kind == wire.KindPing:
		b.frame = wire.AppendPong(b.frame[:0], s.id, now())
		s.send(b, b.frame)
	case env.Kind == wire.KindCleanup:
	case env.Kind == wire.KindPeerDiscovered, env.Kind == wire.KindPeerDisconnected:
		h.forwardNotice(s, &env, b)
	default:
		h.unrouted(s, &env, b)
	}
	return wire.ReasonNone
}

func (h *Hub) drop(why DropReason) { h.counters.dropped[why].Add(1) }

// unrouted answers a message of a type that the hub does not route.
func (h *Hub) unrouted(s *session, env *wire.Envelope, b *batch) {
	h.drop(DropUnrouted)
	typ := env.Type
	if env.Kind != wire.KindOther {
		typ = env.Kind.String()
	}
	b.frame = wire.AppendError(b.frame[:0], wire.ErrorText(typ), now())
	s.send(b, b.frame)
}

// relay delivers a message to the peer that it names, if that peer is connected
// and sender, message and target are in one network. The payload is copied as it
// is. Queueing it under Hub.mu ensures that a target gets nothing from a network
// that it has left.
func (h *Hub) relay(s *session, env *wire.Envelope, b *batch) {
	switch {
	case !env.HasTarget:
		h.drop(DropNoTarget)
		return
	case env.Target == nil:
		h.drop(DropBadTarget)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	target := h.peers[wire.PeerID(env.Target)]
	if target == nil {
		h.drop(DropUnknownTarget)
		return
	}
	network := target.networkNameLocked()
	if !namesNetwork(env, network) || s.networkNameLocked() != network && !s.isHub || !s.mayUse(network) || !target.mayUse(network) {
		h.drop(DropOtherNetwork)
		return
	}
	from := s.id
	if s.isHub && env.From != nil {
		from = wire.PeerID(env.From) // a hub forwards what its peers send
	}
	b.frame = wire.AppendRelay(b.frame[:0], env.Kind, env.Data, from, target.id, network, now())
	if !target.mayFill(s, len(b.frame)) {
		h.drop(DropShare)
		return
	}
	if !target.send(b, b.frame) {
		h.drop(DropEnding)
		return
	}
	if h.counters.relayed.Add(1)%timedEvery == 0 {
		target.timeLast(s.messageBegan)
	}
}

// namesNetwork reports whether the message belongs to the network of that name.
func namesNetwork(env *wire.Envelope, name string) bool {
	switch {
	case env.BadNetwork:
		return false
	case env.Network == nil:
		return name == wire.DefaultNetwork
	}
	return string(env.Network) == name
}

// goodbye forwards the message to the closest members and removes the session. The
// caller begins the close.
func (h *Hub) goodbye(s *session, env *wire.Envelope, b *batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := s.network; n != nil {
		b.frame = wire.AppendRelay(b.frame[:0], env.Kind, env.Data, s.id, "", n.name, now())
		for _, m := range n.closest(s.id) {
			if m.mayFill(s, len(b.frame)) {
				m.send(b, b.frame)
			}
		}
	}
	if s.registered {
		h.emitLocked(Event{Name: EventPeerGoodbye, PeerID: s.id})
	}
	h.removeLocked(s, wire.ReasonGoodbye.Code(), wire.ReasonGoodbye.Text(), b)
}

// forwardNotice sends what another hub reports about one of its peers to the
// members of the network, other hubs excepted. Only a hub may report (W39).
func (h *Hub) forwardNotice(s *session, env *wire.Envelope, b *batch) {
	id := wire.PeerIDOf(env.Data)
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.networks[networkName(env)]
	switch {
	case !s.isHub && env.Kind == wire.KindPeerDisconnected:
		h.unrouted(s, env, b)
		return
	case !s.isHub:
		h.drop(DropNotHub)
		return
	case id == "" || env.Network == nil || env.BadNetwork || n == nil:
		h.drop(DropOtherNetwork)
		return
	}
	notice, at := h.newNotice(wire.NewForwarded(env.Kind, env.Data, n.name)), now()
	defer notice.release()
	for _, m := range n.members {
		if m != nil && !m.isHub {
			m.sendNotice(b, notice, at)
		}
	}
}
