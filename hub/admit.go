package hub

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

const (
	maxRefused = 32 // refused sessions that may wait for the peer's close frame at once
	maxProbing = 32 // sessions that may wait for a sign of life of their id's holder at once
)

// admit registers the session and queues the greeting, or returns why not. It
// checks in the order of protocol section 3: invalid id, duplicate id, full. If
// another session holds the id, that one is probed first and replaced if it is
// dead, so that a half-open connection does not lock a peer out of its own id
// (W14). With linger a refused session waits for the peer's close frame; at most
// maxRefused do.
func (h *Hub) admit(s *session) (why wire.CloseReason, linger bool) {
	var holder *session
	why = wire.ReasonInvalidPeerID
	switch {
	case !h.markRunning(s):
		why = wire.ReasonShutdown
	case s.id.Valid():
		if why, holder = h.register(s, nil); holder != nil && h.probe(holder) {
			why, _ = h.register(s, holder)
		}
	}
	if why == wire.ReasonNone {
		return why, true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.refused = true
	h.refused++
	return why, h.refused <= maxRefused
}

// markRunning lets Shutdown send the session a close frame, which during the
// handshake would corrupt the HTTP response. It reports false if Shutdown has
// begun and may have missed the session.
func (h *Hub) markRunning(s *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.running = true
	return h.ctx.Err() == nil
}

// register enters the session under its id. If another session holds the id,
// register returns it, unless it is dead: a dead one is replaced.
func (h *Hub) register(s, dead *session) (why wire.CloseReason, holder *session) {
	h.do(func(b *batch) {
		h.mu.Lock()
		defer h.mu.Unlock()
		holder = h.peers[s.id]
		switch {
		case holder != nil && holder != dead:
			why = wire.ReasonDuplicatePeer
			return
		case holder != nil:
			h.removeLocked(holder, wire.ReasonReplaced.Code(), wire.ReasonReplaced.Text(), b)
			b.cuts = append(b.cuts, cut{holder, wire.ReasonReplaced})
			holder = nil
		case !h.addresses.MayHold(string(s.id), s.ip()):
			why = wire.ReasonDuplicatePeer
			return
		case h.fullLocked():
			why = wire.ReasonCapacity
			return
		}
		h.peers[s.id] = s
		s.registered, s.admitted = true, true
		h.admitted++
		h.emitLocked(Event{Name: EventPeerConnected, PeerID: s.id, TotalConnections: len(h.peers)})
		b.frame = wire.AppendConnected(b.frame[:0], s.id, now())
		s.send(b, b.frame)
	})
	return why, holder
}

// fullLocked reports whether the hub has MaxConnections admitted sessions. An
// ending session counts until its socket is closed.
func (h *Hub) fullLocked() bool { return h.admitted >= h.policy().MaxConnections }

// probe pings the holder of an id and reports whether it may be replaced: it has
// ended, or showed no sign of life for ProbeTimeout. Signs are the answer to this
// ping, bytes that came after it, and progress with what is ahead of it. A holder that
// has come to the ping only meanwhile has ProbeTimeout once more.
func (h *Hub) probe(holder *session) (replaceable bool) {
	if !h.countProbe(1) {
		return false
	}
	defer h.countProbe(-1)
	p := &probe{payload: strconv.FormatUint(rand.Uint64(), 36), alive: make(chan bool, 1)}
	if gone, busy := holder.awaitProbe(p); gone || busy {
		return gone
	}
	defer holder.cancelProbe(p)
	var ahead backlog
	h.do(func(b *batch) { ahead = holder.ping(b, p.payload) })
	timer := time.NewTimer(h.policy().ProbeTimeout)
	defer timer.Stop()
	for {
		select {
		case answered := <-p.alive:
			return !answered
		case <-timer.C:
			if !holder.shrinks(&ahead) {
				return true
			}
			if ahead.seen < ahead.end {
				return false
			}
			timer.Reset(h.policy().ProbeTimeout) // the ping has only just arrived
		case <-h.ctx.Done():
			return false
		}
	}
}

// countProbe adds n to the running probes. It reports false if there are
// maxProbing already: each holds a descriptor that no other limit counts.
func (h *Hub) countProbe(n int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n > 0 && h.probing >= maxProbing {
		return false
	}
	h.probing += n
	return true
}
