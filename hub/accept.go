package hub

import (
	"bufio"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

const (
	maxRefused = 32 // refused sessions that may wait for the peer's half of the close at once
	maxProbing = 32 // sessions that may wait for the holder of their id at once
)

// ServeHTTP upgrades a WebSocket request on any path and returns at once, so
// that net/http frees what it held for the request; the session goes on in a
// goroutine of the hub. Other requests get 426. What cannot be upgraded is
// answered with an HTTP error and counted.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "This is a WebSocket server.", http.StatusUpgradeRequired)
		return
	}
	query := r.URL.Query()
	if reason, status := h.screen(r, h.auth.peerOK(r, query)); status != 0 {
		h.refuse(w, reason, status)
		return
	}
	if !h.gate.enter() {
		h.refuse(w, RefuseDraining, http.StatusServiceUnavailable)
		return
	}
	defer h.gate.leave()
	id := wire.PeerID(query.Get("peerId"))
	id = id[:min(len(id), wire.PeerIDLen+1)].Clone() // an invalid one is refused, and need not be kept whole
	s := &session{hub: h, id: id, hubRole: h.auth.hubOK(r, query, id)}
	if err := h.upgrade(w, r, s); err != nil {
		h.counters.refused[RefuseHandshake].Add(1)
		h.cfg.Logger.Debug("handshake failed", "error", err)
		return
	}
	h.counters.accepted.Add(1)
	h.gate.hold()
	go func() {
		defer h.gate.leave()
		s.run()
	}()
}

// screen says what a request is refused for before the upgrade; status 0 lets it
// on.
func (h *Hub) screen(r *http.Request, authorized bool) (RefuseReason, int) {
	switch {
	case !h.auth.originOK(r):
		return RefuseOrigin, http.StatusForbidden
	case !authorized:
		return RefuseUnauthorized, http.StatusUnauthorized
	case h.memory.refusing():
		return RefuseMemory, http.StatusServiceUnavailable
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cfg.CapacityStatus && h.fullLocked() {
		return RefuseCapacity, http.StatusServiceUnavailable
	}
	return 0, 0
}

func (h *Hub) refuse(w http.ResponseWriter, reason RefuseReason, status int) {
	h.counters.refused[reason].Add(1)
	switch status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(h.cfg.RetryAfter/time.Second))))
		w.Header().Set("Connection", "close")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	http.Error(w, "refused: "+reason.String(), status)
}

// upgrade does the handshake and fills in the session.
func (h *Hub) upgrade(w http.ResponseWriter, r *http.Request, s *session) error {
	var header http.Header
	if offered := websocket.Subprotocols(r); len(offered) > 0 {
		header = http.Header{"Sec-Websocket-Protocol": {strings.Clone(offered[0])}}
	}
	ws, err := h.upgrader.Upgrade(&hijacker{w, h, s}, r, header)
	if err != nil {
		if s.conn != nil {
			s.conn.Close()
			h.untrack(s)
		}
		return err
	}
	ws.SetReadLimit(h.cfg.MaxMessageBytes)
	ws.SetPingHandler(s.onPing)
	ws.SetPongHandler(s.onPong)
	ws.SetCloseHandler(func(int, string) error { return nil }) // readFailed answers
	s.ws, s.conn.established = ws, true
	return nil
}

// hijacker gives gorilla the session's transport in place of the connection, and
// the hub the connection from the first moment, so that Shutdown can close it.
type hijacker struct {
	http.ResponseWriter
	hub     *Hub
	session *session
}

func (j *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(j.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	j.session.conn = newTransport(conn, j.session)
	if !j.hub.track(j.session) {
		conn.Close() // at which gorilla's handshake fails
	}
	return j.session.conn, rw, nil
}

// track counts a session from the moment its connection is ours, unless Shutdown
// has closed all there were.
func (h *Hub) track(s *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return false
	}
	h.sessions[s] = struct{}{}
	h.sockets.Store(int64(len(h.sessions)))
	h.peak = max(h.peak, len(h.sessions))
	return true
}

func (h *Hub) untrack(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, s)
	h.sockets.Store(int64(len(h.sessions)))
	if s.refused {
		h.refused--
	}
	if s.admitted {
		h.admitted--
	}
}

// vacate gives the place of a session back before its socket is closed. That is
// for a peer that has closed first and for which nothing waits: it may come back
// as soon as it has our half.
func (h *Hub) freeSlot(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.admitted && s.waiting() == 0 {
		s.admitted = false
		h.admitted--
	}
}

// fullLocked reports whether the admitted sessions have reached the limit. One
// that is ending counts: its socket is still open.
func (h *Hub) fullLocked() bool { return h.admitted >= h.cfg.MaxConnections }

// admit registers the session and greets it, or says why not, in the order of
// the protocol's table: bad id, duplicate, full. The holder of a wanted id is
// asked for a sign of life first, so that a peer whose old connection died
// without a word is not locked out of its own id (W14). A refused session may
// linger, that is wait for the peer's half of the close, unless too many do.
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

// begin marks the session as one that Shutdown may send a close frame to, which
// during the handshake would garble it. It reports false if Shutdown has begun
// and so may have missed it.
func (h *Hub) markRunning(s *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.running = true
	return h.ctx.Err() == nil
}

// register enters the session under its id. If another holds the id it returns
// that one, unless it is the one found dead, which is replaced.
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
		case h.fullLocked():
			why = wire.ReasonCapacity
			return
		}
		h.peers[s.id] = s
		s.registered, s.admitted = true, true
		h.admitted++
		h.emitLocked(Event{Name: EventPeerConnected, PeerID: s.id, TotalConnections: len(h.peers)})
		at := now()
		s.send(b, func(dst []byte) []byte { return wire.AppendConnected(dst, s.id, at) })
	})
	return why, holder
}

// probe pings the holder of an id and reports whether it may be replaced: it has
// ended, or said nothing for ProbeTimeout.
func (h *Hub) probe(holder *session) (replaceable bool) {
	if !h.countProbe(1) {
		return false
	}
	defer h.countProbe(-1)
	alive := make(chan bool, 1)
	if gone, busy := holder.awaitProbe(alive); gone || busy {
		return gone
	}
	h.do(holder.ping)
	defer holder.cancelProbe(alive)
	timer := time.NewTimer(h.cfg.ProbeTimeout)
	defer timer.Stop()
	select {
	case answered := <-alive:
		return !answered
	case <-timer.C:
		return true
	case <-h.ctx.Done():
		return false
	}
}

// countProbe counts a probe in or out. Each holds a descriptor that counts
// against no other limit, so there may be but a few.
func (h *Hub) countProbe(n int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n > 0 && h.probing >= maxProbing {
		return false
	}
	h.probing += n
	return true
}

// listen has alive told of the next sign of life (true), or of the session's end
// (false), unless the session is gone already, or busy: one newcomer at a time may
// wait for it, so that claims on one id take no room from those on others.
func (s *session) awaitProbe(alive chan bool) (gone, busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone && s.probed == nil {
		s.probed = alive
		return false, false
	}
	return s.gone, !s.gone
}

// unlisten takes alive back: its newcomer waits no more.
func (s *session) cancelProbe(alive chan bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probed == alive {
		s.probed = nil
	}
}
