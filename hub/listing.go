package hub

import (
	"iter"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// listedAtOnce is how many sessions or networks are read before the hub's lock is given up for a
// moment: some 50 µs.
const listedAtOnce = 128

// SessionInfo describes one session. A caller that keeps it copies its strings, which may be
// parts of larger ones.
type SessionInfo struct {
	PeerID     wire.PeerID // may be invalid if the session is not registered
	Address    string
	Network    string // that it is in; "" for none
	IsHub      bool
	Registered bool // false: it is being greeted, or it is being refused or has been closed, see Ending
	Began      time.Time
	Heard      time.Time        // when the last bytes arrived
	Messages   int64            // received
	Received   int64            // bytes of these messages
	SentBytes  int64            // frames, headers included
	Queued     int              // bytes that wait for the peer
	Stalled    bool             // its socket takes no more at the moment
	Pings      int              // sent and not answered yet
	Ending     wire.CloseReason // ReasonNone unless it is being closed
}

// NetworkInfo describes one network.
type NetworkInfo struct {
	Name    string
	Members int
}

// AllSessions returns all sessions, in no order. The hub's lock is given up every few of them,
// so a session that begins or ends meanwhile may be missing.
func (h *Hub) AllSessions() iter.Seq[SessionInfo] {
	return func(yield func(SessionInfo) bool) {
		inPieces(h, &h.sessions, func(s *session, _ struct{}) SessionInfo { return s.infoLocked() }, yield)
	}
}

// AllNetworks is AllSessions for networks.
func (h *Hub) AllNetworks() iter.Seq[NetworkInfo] {
	return func(yield func(NetworkInfo) bool) {
		inPieces(h, &h.networks, func(name string, n *network) NetworkInfo { return NetworkInfo{name, n.live} }, yield)
	}
}

// inPieces calls yield with what info returns for each entry of a map that Hub.mu guards. It
// holds Hub.mu for listedAtOnce entries at a time, and not while it calls yield. The map may
// change in between, which an iteration allows.
func inPieces[K comparable, V, T any](h *Hub, m *map[K]V, info func(K, V) T, yield func(T) bool) {
	piece := make([]T, 0, listedAtOnce)
	hand := func() bool {
		for _, t := range piece {
			if !yield(t) {
				return false
			}
		}
		piece = piece[:0]
		return true
	}
	h.mu.Lock()
	for k, v := range *m {
		if _, ok := (*m)[k]; !ok {
			continue // the map has been remade, without it
		}
		if piece = append(piece, info(k, v)); len(piece) < cap(piece) {
			continue
		}
		h.mu.Unlock()
		if !hand() {
			return
		}
		h.mu.Lock()
	}
	h.mu.Unlock()
	hand()
}

// Session returns the registered session of a peer.
func (h *Hub) Session(id wire.PeerID) (i SessionInfo, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.peers[id]
	if s == nil {
		return i, false
	}
	return s.infoLocked(), true
}

// infoLocked describes the session. Hub.mu is held.
func (s *session) infoLocked() SessionInfo {
	i := s.info()
	i.IsHub, i.Registered = s.isHub, s.registered
	if s.network != nil {
		i.Network = s.network.name
	}
	if s.running { // else its reader may be setting began
		i.Began = s.began
		i.Heard = time.Now().Add(time.Duration(s.heardAt.Load()) - s.hub.clock())
	}
	return i
}

// info describes the part of the session that Hub.mu does not guard.
func (s *session) info() SessionInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return SessionInfo{
		PeerID: s.id, Address: s.address, Messages: s.messagesIn, Received: s.bytesIn, SentBytes: s.position - int64(s.bytes),
		Queued: s.bytes, Stalled: s.armed, Pings: int(s.pings.Load()), Ending: s.why,
	}
}
