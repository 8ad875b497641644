package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

// hub is the healthy hub, and the places where a version does wrong.
type hub struct {
	version

	mu       sync.Mutex
	sessions map[*session]bool
	ids      map[string]bool // of them
	networks map[string]map[*session]bool
	hubs     map[string]bool
	accepted int

	listeners map[*session]func() // called when something happens
	plant                         // what the version keeps
}

// session is one connection.
type session struct {
	id        string
	ws        *websocket.Conn
	write     sync.Mutex
	network   string // "" before the announce
	announced bool
	goodbye   bool
	hub       bool // its last announce says that it is a hub
	unheard   int  // pings without an answer; the mutex of the hub guards it
	patience  *time.Timer
	buffer    []byte

	home     *hub
	over     chan struct{} // closed when the session has ended
	retained               // while the session lasts; the mutex of the hub guards it
}

// envelope is a message of the protocol.
type envelope struct {
	Type    string          `json:"type"`
	Data    json.RawMessage `json:"data,omitempty"`
	From    string          `json:"fromPeerId,omitempty"`
	Target  string          `json:"targetPeerId,omitempty"`
	Network string          `json:"networkName,omitempty"`
}

// end is why a session ended.
type end int

const (
	endClean   end = iota // a close frame
	endGoodbye            // a goodbye, and nothing after it
	endReset              // a RST
	endVanish             // silence, and perhaps a RST later
	endEarly              // before the announce
)

// Pings without an answer are counted rather than timed: on a machine that stops for seconds
// no ping is sent either.
const (
	interval = 300 * time.Millisecond // between two pings
	silent   = 2                      // pings without an answer: an end after that is no RST of a peer that was there
	vanished = 4                      // the hub ends the session
	patience = 100                    // the same in versions about residents, which must not end on a busy machine
	farewell = time.Second            // for the close frame after a goodbye
	sending  = 10 * time.Second       // a peer on a busy machine may not read for a second
)

func newHub(v version) *hub {
	return &hub{version: v, sessions: map[*session]bool{}, ids: map[string]bool{},
		networks: map[string]map[*session]bool{}, hubs: map[string]bool{}, listeners: map[*session]func(){}}
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}
	ws, err := u.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	s := &session{id: r.URL.Query().Get("peerId"), ws: ws, home: h, over: make(chan struct{})}
	h.mu.Lock()
	if h.ids[s.id] {
		h.mu.Unlock()
		refused := websocket.FormatCloseMessage(websocket.ClosePolicyViolation, "Peer already connected")
		_ = ws.WriteControl(websocket.CloseMessage, refused, time.Now().Add(time.Second)) // or it has gone
		ws.Close()
		return
	}
	h.sessions[s], h.ids[s.id] = true, true
	h.listeners[s] = func() {}
	h.accepted++
	h.accept(h, s)
	h.mu.Unlock()
	s.send(envelope{Type: "connected", From: "system"})
	h.leave(s, h.read(s))
}

// read reads until the session ends, and says why.
func (h *hub) read(s *session) end {
	s.ws.SetPongHandler(func(string) error { h.heard(s); return nil })
	for {
		_, b, err := s.ws.ReadMessage()
		if err != nil {
			return h.why(s, err)
		}
		h.handle(s, b)
	}
}

// why returns why a session ended, by what its peer did and not by which timer was first: the
// peer resets its connection some time after it has said goodbye or vanished.
func (h *hub) why(s *session, err error) end {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case s.announced && websocket.IsCloseError(err, websocket.CloseNormalClosure):
		return endClean
	case s.goodbye:
		return endGoodbye
	case s.unheard >= silent:
		return endVanish
	case !s.announced && !errors.Is(err, syscall.ECONNRESET):
		return endEarly
	default: // where the hub was writing, an end of file stands for the RST
		return endReset
	}
}

func (h *hub) handle(s *session, b []byte) {
	var e envelope
	if json.Unmarshal(b, &e) != nil {
		return
	}
	h.message(h, s, e)
	switch e.Type {
	case "announce":
		h.enter(s, e)
	case "goodbye":
		s.goodbye = true
		s.ws.SetReadDeadline(time.Now().Add(farewell))
	case "ping":
		s.send(envelope{Type: "pong", From: "system"})
	case "offer", "answer", "ice-candidate":
		h.relay(s, e)
	}
}

// enter adds a session to a network and introduces the members to each other.
func (h *hub) enter(s *session, e envelope) {
	h.mu.Lock()
	if s.announced && h.move(h, s, e) {
		h.quit(s)
	}
	s.network, s.announced = e.Network, true
	var data struct{ IsHub bool }
	_ = json.Unmarshal(e.Data, &data)
	if s.hub = data.IsHub; s.hub {
		h.hubs[s.id] = true
	} else if !h.keepClaim {
		delete(h.hubs, s.id)
	}
	members := h.networks[s.network]
	if members == nil {
		members = map[*session]bool{}
		h.networks[s.network] = members
	}
	var others []*session
	for o := range members {
		others = append(others, o)
	}
	members[s] = true
	h.mu.Unlock()
	for _, o := range others {
		o.send(discovered(s.id, e.Network))
		s.send(discovered(o.id, e.Network))
	}
}

// quit ends a membership. The mutex is held.
func (h *hub) quit(s *session) {
	delete(h.networks[s.network], s)
	if len(h.networks[s.network]) == 0 {
		delete(h.networks, s.network)
	}
}

func (h *hub) relay(s *session, e envelope) {
	h.mu.Lock()
	var target *session
	for o := range h.networks[e.Network] {
		if o.id == e.Target {
			target = o
		}
	}
	h.mu.Unlock()
	if target != nil {
		e.From = s.id
		target.send(e)
	}
}

// leave ends a session, as far as the version does.
func (h *hub) leave(s *session, why end) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.quit(s)
	s.release()
	delete(h.ids, s.id)
	if !h.keepClaim || s.hub {
		delete(h.hubs, s.id)
	}
	if why != endGoodbye || !h.keepListener {
		delete(h.listeners, s)
	}
	if h.ended(h, s, why) {
		delete(h.sessions, s)
	}
	if why != endReset || !h.keepOpen {
		s.ws.Close()
	} else {
		h.open = append(h.open, s.ws) // or the collector would close it
	}
}

// beat asks all peers whether they are there, and ends those that have vanished.
func (h *hub) beat() {
	for range time.Tick(interval) {
		for s, unheard := range h.ask() {
			if unheard >= vanished && (h.sends == nil || unheard >= patience) {
				s.ws.SetReadDeadline(time.Unix(1, 0))
				continue
			}
			_ = s.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)) // the reader finds out
		}
	}
}

// ask returns all sessions, with the pings that their peers have not answered, and counts
// another one for each.
func (h *hub) ask() map[*session]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make(map[*session]int, len(h.sessions))
	for s := range h.sessions {
		all[s] = s.unheard
		s.unheard++
	}
	return all
}

// heard notes that a peer has answered a ping.
func (h *hub) heard(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.unheard = 0
}

func discovered(id, network string) envelope {
	data, _ := json.Marshal(map[string]string{"peerId": id})
	return envelope{Type: "peer-discovered", From: "system", Network: network, Data: data}
}

func (s *session) send(e envelope) {
	s.home.sent(s.home, s, e)
	s.write.Lock()
	defer s.write.Unlock()
	s.ws.SetWriteDeadline(time.Now().Add(sending))
	_ = s.ws.WriteJSON(e) // the reader finds out
}
