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

// ServeHTTP upgrades a WebSocket request on any path. It returns after the
// handshake, so that net/http frees what it holds for the request; the session
// goes on in a goroutine of the hub. A request that is no upgrade gets status 426.
// A request that is refused gets an HTTP error and is counted by RefuseReason.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "This is a WebSocket server.", http.StatusUpgradeRequired)
		return
	}
	query, p := r.URL.Query(), h.policy()
	id := wire.PeerID(query.Get("peerId"))
	id = id[:min(len(id), wire.PeerIDLen+1)].Clone() // an invalid id is only logged: its start is enough
	grant, err := p.auth.grant(r, query, id)
	if reason, status := h.screen(r, err); status != 0 {
		h.refuse(w, r, reason, status, err)
		return
	}
	if !h.gate.enter() {
		h.refuse(w, r, RefuseDraining, http.StatusServiceUnavailable, nil)
		return
	}
	defer h.gate.leave()
	s := &session{hub: h, id: id, grant: grant, address: p.clients.of(r)}
	if reason, ok := h.mayEnter(s); !ok {
		h.refuse(w, r, reason, http.StatusTooManyRequests, nil)
		return
	}
	if err := h.upgrade(w, r, s); err != nil {
		h.leaveLimits(s)
		h.countRefusal(r, RefuseHandshake, nil)
		h.cfg.Logger.Debug("handshake failed", "error", err)
		return
	}
	h.counters.accepted.Add(1)
	if s.parkable() {
		h.parking.open()
	}
	h.gate.hold()
	go func() {
		defer h.gate.leave()
		s.run()
	}()
}

// screen returns why a request is refused before the upgrade, and the HTTP status.
// Status 0 means that it is not.
// denied is why the request has no grant, or nil.
func (h *Hub) screen(r *http.Request, denied error) (RefuseReason, int) {
	switch {
	case !h.policy().auth.originOK(r):
		return RefuseOrigin, http.StatusForbidden
	case denied != nil:
		return RefuseUnauthorized, http.StatusUnauthorized
	case h.memory.refusing():
		return RefuseMemory, http.StatusServiceUnavailable
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.policy().CapacityStatus && h.fullLocked() {
		return RefuseCapacity, http.StatusServiceUnavailable
	}
	return 0, 0
}

// mayEnter counts a session by its address and its token, or reports which of them has too
// many. leaveLimits undoes it.
func (h *Hub) mayEnter(s *session) (RefuseReason, bool) {
	if !h.addresses.Enter(s.ip()) {
		return RefuseAddress, false
	}
	if !h.subjects.Enter(s.subject(), h.policy().TokenSessions) {
		h.addresses.Leave(s.ip())
		return RefuseToken, false
	}
	return 0, true
}

func (h *Hub) leaveLimits(s *session) {
	h.addresses.Leave(s.ip())
	h.subjects.Leave(s.subject())
}

// refuse answers a request with an HTTP error. Of why, which may be nil, the client is sent
// what it can mend: that of a token.
func (h *Hub) refuse(w http.ResponseWriter, r *http.Request, reason RefuseReason, status int, why error) {
	h.countRefusal(r, reason, why)
	switch status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(h.policy().RetryAfter/time.Second))))
		w.Header().Set("Connection", "close")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
		if why != errToken {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description=`+strconv.Quote(why.Error()))
		}
	}
	http.Error(w, "refused: "+reason.String(), status)
}

// countRefusal counts and logs a refused request.
func (h *Hub) countRefusal(r *http.Request, reason RefuseReason, why error) {
	address := h.policy().clients.of(r)
	h.noteRefusal(reason, address, r, why)
	h.counters.refused[reason].Add(1)
	h.logRefusal(reason, address, r.URL.Query().Get("peerId"), why)
}

// upgrade does the handshake and sets the session's connection.
func (h *Hub) upgrade(w http.ResponseWriter, r *http.Request, s *session) error {
	var header http.Header
	if offered := websocket.Subprotocols(r); len(offered) > 0 {
		header = http.Header{"Sec-Websocket-Protocol": {strings.Clone(offered[0])}}
	}
	up := h.upgrader
	up.HandshakeTimeout = h.policy().WriteTimeout
	ws, err := up.Upgrade(&hijacker{w, h, s}, r, header)
	if err != nil {
		if s.conn != nil {
			s.conn.Close()
			h.untrack(s)
		}
		return err
	}
	s.attach(ws)
	s.conn.established = true
	return nil
}

// hijacker is the ResponseWriter that gorilla upgrades. It wraps the hijacked
// connection in the session's transport, and tracks the session from that moment
// on, so that Shutdown can close the connection during the handshake.
type hijacker struct {
	http.ResponseWriter
	hub     *Hub
	session *session
}

// Hijack implements http.Hijacker.
func (j *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(j.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	j.session.conn = newTransport(conn, j.session)
	if !j.hub.track(j.session) {
		conn.Close() // gorilla's handshake then fails
	}
	return j.session.conn, rw, nil
}

// track adds the session to the hub's sessions. It reports false if Shutdown has
// closed all of them already.
func (h *Hub) track(s *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return false
	}
	h.sessions[s] = struct{}{}
	h.sockets.Store(int64(len(h.sessions)))
	h.crowd.peak = max(h.crowd.peak, len(h.sessions))
	return true
}

// untrack undoes track and gives up the session's place among the admitted or
// refused ones.
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
