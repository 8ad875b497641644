package hub

import (
	"bytes"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// networkName returns the network that a message names. It is a copy, which the
// hub may keep.
func networkName(env *wire.Envelope) string {
	if env.Network == nil {
		return wire.DefaultNetwork
	}
	return string(env.Network)
}

// announce moves the session into the network that the message names, and
// introduces it and the members to each other, the session last. The notice about
// it is made once; a receiver's copy differs in the target id and the time only.
func (h *Hub) announce(s *session, env *wire.Envelope, b *batch) wire.CloseReason {
	cfg := h.policy()
	switch {
	case env.BadNetwork:
		return wire.ReasonBadNetwork
	case len(env.Data) > cfg.MaxAnnounceBytes:
		return wire.ReasonMessageTooBig
	}
	a, name := wire.ParseAnnouncement(env.Data), networkName(env)
	if (a.IsHub || name == cfg.MeshNamespace) && !s.mayBeHub() {
		h.drop(DropNotHub)
		a.IsHub = false
		if name == cfg.MeshNamespace {
			return h.deny(s, "The network '"+name+"' is for hubs. This peer has no hub role here.", b)
		}
	}
	if !s.mayUse(name) {
		h.drop(DropNetworkDenied)
		return h.deny(s, "The token of this peer is not for the network '"+name+"'.", b)
	}
	isHub := s.mayBeHub() && (a.IsHub || name == cfg.MeshNamespace)
	return h.enter(s, name, wire.NewDiscovered(s.id, isHub, a.Extra, name), isHub, env.Data, b)
}

// deny answers an announce that has no effect.
func (h *Hub) deny(s *session, text string, b *batch) wire.CloseReason {
	s.send(b, wire.AppendError(nil, text, now()))
	return wire.ReasonNone
}

// enter is the part of announce that holds Hub.mu.
func (h *Hub) enter(s *session, name string, frame wire.Notice, isHub bool, data []byte, b *batch) wire.CloseReason {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !s.registered {
		return wire.ReasonNone // removed meanwhile: it must not come back
	}
	if !s.mayAnnounce(len(data), h.liveLocked(name)) {
		return wire.ReasonAnnounceRate
	}
	if most := h.policy().NetworkSessions; most > 0 && h.liveLocked(name) >= most && (s.network == nil || s.network.name != name) {
		h.drop(DropNetworkFull)
		return h.deny(s, "The network '"+name+"' is full.", b)
	}
	at := now()
	if n := s.network; n == nil || n.name != name || s.isHub && !isHub {
		h.leaveLocked(s, at, b)
		h.joinLocked(s, name)
	}
	if !h.mayKeepLocked(s, frame) {
		h.drop(DropAnnounceData)
		frame = wire.NewDiscovered(s.id, isHub, nil, name)
	}
	s.announcedAt = at
	h.keepNoticeLocked(s, h.newNotice(frame))
	if isHub {
		h.registerHubLocked(s, data, at, b)
	}
	list := memberList{to: s, at: at}
	for _, m := range s.network.members {
		if m != nil && m != s {
			m.sendNotice(b, s.notice, at)
			list.add(m, b)
			h.counters.discoveries.Add(2)
		}
	}
	h.emitLocked(Event{Name: EventPeerAnnounced, PeerID: s.id, Network: name, IsHub: isHub})
	return wire.ReasonNone
}

// registerHubLocked enters the session into the registry of hubs. If this server
// is a hub too, the session is introduced to every peer here that is not a hub.
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

// memberList introduces members to one newcomer. Once the introductions fill half
// of the newcomer's queue, they leave out the members' own announce data: a few
// hundred members with large announces must not make a network that no peer can
// join.
type memberList struct {
	to    *session
	at    int64
	bytes int
}

func (l *memberList) add(m *session, b *batch) {
	if l.bytes > l.to.hub.policy().QueueBytes/2 {
		b.frame = wire.NewDiscovered(m.id, m.isHub, nil, m.network.name).AppendTo(b.frame[:0], l.to.id, l.at)
		l.to.send(b, b.frame)
		return
	}
	l.bytes += len(m.notice.frame)
	l.to.sendNotice(b, m.notice, l.at)
}
