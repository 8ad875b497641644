package hub

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

const (
	maxRefused = 64 // sessions that may linger in a refusal at once; beyond it HTTP says no
	maxProbes  = 4  // newcomers that may wait for one holder of their id
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
	id := wire.PeerID(query.Get("peerId")).Clone()
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
	if h.refused >= maxRefused || h.cfg.CapacityStatus && h.fullLocked() {
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
			s.conn.Conn.Close()
			h.untrack(s)
		}
		return err
	}
	ws.SetReadLimit(h.cfg.MaxMessageBytes)
	ws.SetPingHandler(func(payload string) error {
		s.send(s.collect(), func(dst []byte) []byte { return wire.AppendPongFrame(dst, payload) })
		return nil
	})
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
	hj, ok := j.ResponseWriter.(http.Hijacker)
	if !ok {
		return nil, nil, errors.New("hub: the server does not support WebSocket (HTTP/2?)")
	}
	conn, rw, err := hj.Hijack()
	if err != nil {
		return nil, nil, err
	}
	j.session.conn = newTransport(conn, j.session)
	j.hub.track(j.session)
	return j.session.conn, rw, nil
}

// track counts a session from the moment its connection is ours.
func (h *Hub) track(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions[s] = struct{}{}
	h.sockets.Store(int64(len(h.sessions)))
	h.peak = max(h.peak, len(h.sessions))
}

func (h *Hub) untrack(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, s)
	h.sockets.Store(int64(len(h.sessions)))
	if s.refused {
		h.refused--
	}
}

// fullLocked reports whether the sessions that are not being refused have
// reached the limit. A session that is ending counts: its socket is still open.
func (h *Hub) fullLocked() bool { return len(h.sessions)-h.refused >= h.cfg.MaxConnections }

// admit registers the session and greets it, or says why not, in the order of
// the protocol's table: bad id, duplicate, full. The holder of a wanted id is
// asked for a sign of life first, so that a peer whose old connection died
// without a word is not locked out of its own id (W14).
func (h *Hub) admit(s *session) wire.CloseReason {
	why, holder := wire.ReasonInvalidPeerID, (*session)(nil)
	if s.id.Valid() {
		if why, holder = h.register(s, nil); holder != nil && h.probe(holder) {
			why, _ = h.register(s, holder)
		}
	}
	if why != wire.ReasonNone {
		h.mu.Lock()
		defer h.mu.Unlock()
		s.refused = true
		h.refused++
	}
	return why
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
			h.detachLocked(holder, wire.ReasonReplaced.Code(), wire.ReasonReplaced.Text(), b)
			b.cuts = append(b.cuts, cut{holder, wire.ReasonReplaced})
			holder = nil
		case len(h.sessions)-h.refused > h.cfg.MaxConnections: // s is among them
			why = wire.ReasonCapacity
			return
		}
		h.peers[s.id] = s
		s.registered = true
		h.emitLocked(Event{Name: EventPeerConnected, PeerID: s.id, TotalConnections: len(h.peers)})
		at := now()
		s.send(b, func(dst []byte) []byte { return wire.AppendConnected(dst, s.id, at) })
	})
	return why, holder
}

// probe pings the holder of an id and reports whether it may be replaced: it has
// ended, or said nothing for ProbeTimeout.
func (h *Hub) probe(holder *session) (replaceable bool) {
	alive := make(chan bool, 1)
	holder.mu.Lock()
	switch {
	case holder.gone:
		holder.mu.Unlock()
		return true
	case len(holder.probed) >= maxProbes:
		holder.mu.Unlock()
		return false
	}
	holder.probed = append(holder.probed, alive)
	holder.mu.Unlock()
	h.do(func(b *batch) { holder.send(b, wire.AppendPing) })
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
