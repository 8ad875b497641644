package hub

import (
	"bytes"
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// handle does what one message asks for. It returns the reason to end the
// session for, if the message is one.
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
		return h.announce(s, &env, b)
	case env.Kind.Signal(), env.Kind.Renegotiation() && h.cfg.RelayRenegotiation:
		h.relay(s, &env, b)
	case env.Kind == wire.KindGoodbye:
		h.goodbye(s, &env, b)
		return wire.ReasonGoodbye
	case env.Kind == wire.KindPing:
		s.send(b, func(dst []byte) []byte { return wire.AppendPong(dst, s.id, now()) })
	case env.Kind == wire.KindCleanup:
	case env.Kind == wire.KindPeerDiscovered, env.Kind == wire.KindPeerDisconnected:
		h.forwardNotice(s, &env, b)
	default:
		h.unrouted(s, &env, b)
	}
	return wire.ReasonNone
}

func (h *Hub) drop(why DropReason) { h.counters.dropped[why].Add(1) }

// unrouted answers what the hub does not route.
func (h *Hub) unrouted(s *session, env *wire.Envelope, b *batch) {
	h.drop(DropUnrouted)
	typ := env.Type
	if env.Kind != wire.KindOther {
		typ = env.Kind.String()
	}
	s.send(b, func(dst []byte) []byte { return wire.AppendError(dst, wire.ErrorText(typ), now()) })
}

// networkName returns the name a message gives its network. The copy is the
// hub's to keep.
func networkName(env *wire.Envelope) string {
	if env.Network == nil {
		return wire.DefaultNetwork
	}
	return string(env.Network)
}

// announce enters the session into the network it names, out of the one it was
// in, and introduces it and the members to each other, the announcer last. What
// the others hear of it is made once, here; only the receiver's id and the time
// differ between them.
func (h *Hub) announce(s *session, env *wire.Envelope, b *batch) wire.CloseReason {
	cfg := &h.cfg
	switch {
	case env.BadNetwork:
		return wire.ReasonBadNetwork
	case len(env.Data) > cfg.MaxAnnounceBytes:
		return wire.ReasonMessageTooBig
	}
	a, name := wire.ParseAnnouncement(env.Data), networkName(env)
	if (a.IsHub || name == cfg.MeshNamespace) && !s.hubRole {
		h.drop(DropNotHub)
		a.IsHub = false
		if name == cfg.MeshNamespace {
			text := "The network '" + name + "' is for hubs. This peer has no hub role here."
			s.send(b, func(dst []byte) []byte { return wire.AppendError(dst, text, now()) })
			return wire.ReasonNone
		}
	}
	isHub := s.hubRole && (a.IsHub || name == cfg.MeshNamespace)
	notice := wire.NewDiscovered(s.id, isHub, a.Extra, name)
	return h.enter(s, name, notice, isHub, env.Data, b)
}

func (h *Hub) enter(s *session, name string, notice wire.Notice, isHub bool, data []byte, b *batch) wire.CloseReason {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !s.registered {
		return wire.ReasonNone // the session has been taken out meanwhile: no coming back
	}
	if !s.mayAnnounce(len(data), h.liveLocked(name)) {
		return wire.ReasonAnnounceRate
	}
	at := now()
	if n := s.network; n == nil || n.name != name || s.isHub && !isHub {
		h.leaveLocked(s, at, b)
		h.joinLocked(s, name)
	}
	s.notice, s.announcedAt = notice, at
	if isHub {
		h.registerHubLocked(s, data, at, b)
	}
	list := memberList{to: s, at: at}
	for _, m := range s.network.members {
		if m != nil && m != s {
			m.sendNotice(notice, at, b)
			list.add(m, b)
			h.counters.discoveries.Add(2)
		}
	}
	h.emitLocked(Event{Name: EventPeerAnnounced, PeerID: s.id, Network: name, IsHub: isHub})
	return wire.ReasonNone
}

// registerHubLocked puts the session on the registry of hubs. If this server is a
// hub too, the newcomer hears of every peer here that is none.
func (h *Hub) registerHubLocked(s *session, data []byte, at int64, b *batch) {
	s.isHub, s.hubData = true, bytes.Clone(data)
	h.hubs[s.id] = s
	h.emitLocked(Event{Name: EventHubRegistered, PeerID: s.id, TotalHubs: len(h.hubs)})
	if !h.cfg.IsHub {
		return
	}
	list := memberList{to: s, at: at}
	for name, n := range h.networks {
		if name == h.cfg.MeshNamespace {
			continue
		}
		for _, m := range n.members {
			if m != nil && m != s && !m.isHub {
				list.add(m, b)
				h.counters.discoveries.Add(1)
			}
		}
	}
}

// memberList introduces members to one newcomer, all in one go. Once that has
// filled half of what may wait for the newcomer, the members' own announce data is
// left out: a few hundred of them with much to say must not make a network that
// nobody else can join.
type memberList struct {
	to    *session
	at    int64
	bytes int
}

func (l *memberList) add(m *session, b *batch) {
	notice := m.notice
	if l.bytes > l.to.hub.cfg.QueueBytes/2 {
		notice = wire.NewDiscovered(m.id, m.isHub, nil, m.network.name)
	}
	l.bytes += len(notice)
	l.to.sendNotice(notice, l.at, b)
}

// relay delivers a message to the peer it names, if that is here and sender,
// message and target are of one network. The payload goes through untouched. It
// is queued under the lock, so that a target hears nothing from a network after
// it has left it.
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
	if !namesNetwork(env, network) || s.networkNameLocked() != network && !s.isHub {
		h.drop(DropOtherNetwork)
		return
	}
	from := s.id
	if s.isHub && env.From != nil {
		from = wire.PeerID(env.From) // a hub passes on what its peers send
	}
	at := now()
	if !target.send(b, func(dst []byte) []byte {
		return wire.AppendRelay(dst, env.Kind, env.Data, from, target.id, network, at)
	}) {
		h.drop(DropEnding)
		return
	}
	h.counters.relayed.Add(1)
}

func namesNetwork(env *wire.Envelope, name string) bool {
	switch {
	case env.BadNetwork:
		return false
	case env.Network == nil:
		return name == wire.DefaultNetwork
	}
	return string(env.Network) == name
}

// networkNameLocked is the network the session counts as in: the default one
// before it announces.
func (s *session) networkNameLocked() string {
	if s.network == nil {
		return wire.DefaultNetwork
	}
	return s.network.name
}

// goodbye passes the message on to the closest members and takes the session out
// of the hub; the caller ends it.
func (h *Hub) goodbye(s *session, env *wire.Envelope, b *batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := s.network; n != nil {
		at := now()
		for _, m := range n.closest(s.id) {
			m.send(b, func(dst []byte) []byte {
				return wire.AppendRelay(dst, env.Kind, env.Data, s.id, "", n.name, at)
			})
		}
	}
	if s.registered {
		h.emitLocked(Event{Name: EventPeerGoodbye, PeerID: s.id})
	}
	h.removeLocked(s, wire.ReasonGoodbye.Code(), wire.ReasonGoodbye.Text(), b)
}

// hearHub tells the members of a network of a peer that another hub holds. Only
// hubs are believed.
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
	notice, at := wire.NewForwarded(env.Kind, env.Data, n.name), now()
	for _, m := range n.members {
		if m != nil && !m.isHub {
			m.sendNotice(notice, at, b)
		}
	}
}

// removeLocked takes a registered session out of every index, by what it holds
// itself and never by its id alone, and tells its network. It is idempotent: once
// out, a session does not come back.
func (h *Hub) removeLocked(s *session, code int, text string, b *batch) {
	if !s.registered {
		return
	}
	s.registered = false
	delete(h.peers, s.id)
	h.leaveLocked(s, now(), b)
	h.emitLocked(Event{
		Name: EventPeerDisconnected, PeerID: s.id, Code: code, Reason: strings.ToValidUTF8(text, "\uFFFD"), TotalConnections: len(h.peers),
	})
}

// detach is removeLocked for callers without the lock.
func (h *Hub) remove(s *session, code int, text string, b *batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.removeLocked(s, code, text, b)
}

// end takes a session out and begins its close.
func (h *Hub) beginClose(s *session, why wire.CloseReason, b *batch) {
	h.beginCloseWith(s, why, why.Code(), why.Text(), b)
}

func (h *Hub) beginCloseWith(s *session, why wire.CloseReason, code int, text string, b *batch) {
	if why == wire.ReasonShutdown {
		code = h.cfg.DrainCloseCode
	}
	if why == wire.ReasonPeerClosed {
		h.freeSlot(s)
	}
	h.remove(s, code, text, b)
	s.queueClose(why, code, text, b)
}

// forget is the last the hub knows of a session.
func (h *Hub) noteEnd(s *session, why wire.CloseReason) {
	h.untrack(s)
	h.counters.ended[why].Add(1)
}
