package hub

import (
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// beginClose removes a session from the hub and queues the close frame of the
// reason.
func (h *Hub) beginClose(s *session, why wire.CloseReason, b *batch) {
	h.beginCloseWith(s, why, why.Code(), why.Text(), b)
}

// beginCloseWith is beginClose with the code and text that the peer sent.
func (h *Hub) beginCloseWith(s *session, why wire.CloseReason, code int, text string, b *batch) {
	if why == wire.ReasonShutdown {
		code = h.policy().DrainCloseCode
	}
	switch why {
	case wire.ReasonPeerClosed:
		h.freeSlot(s)
	case wire.ReasonSlowConsumer:
		h.reserve(s)
	}
	h.remove(s, code, text, b)
	s.queueClose(why, code, text, b)
}

// freeSlot gives up the place of a session that the peer has closed, if nothing
// waits for it. The peer may connect again as soon as it has read our close frame,
// which is before the socket is closed.
func (h *Hub) freeSlot(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.admitted && s.waiting() == 0 {
		s.admitted = false
		h.admitted--
	}
}

// reserve keeps the id of a registered session for its address, so that a sender that got it cut,
// by sending it more than it reads, cannot connect under its id before it is back.
func (h *Hub) reserve(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.registered {
		h.addresses.Reserve(string(s.id), s.ip())
	}
}

// removeLocked takes a registered session out of every index and notifies its
// network. It goes by what the session itself holds, never by the peer id alone
// (W10). It is idempotent: a session that was removed is never entered again.
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

// remove is removeLocked for callers that do not hold Hub.mu.
func (h *Hub) remove(s *session, code int, text string, b *batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.removeLocked(s, code, text, b)
}

// Disconnect closes the session of a peer for the operator and reports whether there was one. The
// peer may connect again.
func (h *Hub) Disconnect(id wire.PeerID) bool {
	h.mu.Lock()
	s := h.peers[id]
	h.mu.Unlock()
	if s == nil {
		return false
	}
	s.beginClose(wire.ReasonOperator)
	return true
}

// noteEnd untracks a session, counts its end and keeps it for Ends.
func (h *Hub) noteEnd(s *session, why wire.CloseReason) {
	s.noteEnd(why)
	h.leaveLimits(s)
	h.untrack(s)
	h.counters.ended[why].Add(1)
}

// recover counts a panic in code of the caller, such as a trace.
func (h *Hub) recover() {
	if v := recover(); v != nil {
		h.counters.panics.Add(1)
	}
}
