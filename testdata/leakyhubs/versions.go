package main

import (
	"time"

	"github.com/gorilla/websocket"
)

// version holds the functions that make a hub leak or grow. All but messages are called with the
// hub's mutex held.
type version struct {
	accepts  func(*hub, *session)
	messages func(*hub, *session, envelope)
	moves    func(*hub, *session, envelope) bool // returns whether to quit the network that it leaves
	ends     func(*hub, *session, end) bool      // returns whether to forget the session
	begins   func(*hub)
	sends    func(*hub, *session, envelope) // to a session

	keepClaim, keepListener, keepOpen bool
}

// plant holds the objects that versions retain.
type plant struct {
	open    []*websocket.Conn
	records *record
	journal [][]byte
	seen    map[string]time.Time
	cache   []string
	spare   [][]byte
	index   map[string][128]byte
	tide    [][]byte
}

// record is 64 bytes.
type record struct {
	next *record
	_    [56]byte
}

// versions holds all versions by name. The name of a leaking version says what leaks, and when.
var versions = map[string]version{
	"session-per-rst": {ends: func(_ *hub, _ *session, why end) bool { return why != endReset }},
	"goroutine-per-vanish": {ends: func(_ *hub, s *session, why end) bool {
		if why == endVanish {
			go s.await()
		}
		return true
	}},
	"network-per-roam": {moves: func(h *hub, s *session, e envelope) bool {
		delete(h.networks[s.network], s) // and leaves it there, empty
		return s.network == e.Network
	}},
	"subscription-per-goodbye": {keepListener: true},
	"timer-per-early-close": {
		accepts: func(_ *hub, s *session) { s.arm() },
		ends: func(_ *hub, s *session, why end) bool {
			if why != endEarly {
				s.disarm()
			}
			return true
		},
	},
	"buffer-per-large-message": {messages: func(h *hub, _ *session, e envelope) {
		if e.Type == "offer" && len(e.Data) > 1000 {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.journal = append(h.journal, e.Data)
		}
	}},
	"hub-claim-kept":     {keepClaim: true},
	"descriptor-per-rst": {keepOpen: true},
	"64-bytes-per-peer": {ends: func(h *hub, _ *session, _ end) bool {
		h.records = &record{next: h.records}
		return true
	}},
	"goroutine-per-1000": {accepts: func(h *hub, s *session) {
		if h.accepted%1000 == 0 {
			go s.await()
		}
	}},
	"session-per-vanish": {ends: func(_ *hub, _ *session, why end) bool { return why != endVanish }},
	"id-per-peer": {accepts: func(h *hub, s *session) {
		if h.seen == nil {
			h.seen = map[string]time.Time{}
		}
		h.seen[s.id] = time.Now()
	}},

	// These retain what a session saw until it ends.
	"notices-of-resident": {sends: func(_ *hub, s *session, e envelope) {
		if e.Type == "peer-discovered" {
			s.notices = append(s.notices, e.Data)
		}
	}},
	"watchers-of-resident": {sends: func(h *hub, s *session, e envelope) {
		if e.Type == "peer-discovered" {
			s.watchers = append(s.watchers, func() { s.ws.Close() })
		}
	}},
	"goroutines-of-resident": {sends: func(_ *hub, s *session, e envelope) {
		if e.Type != "peer-discovered" {
			return
		}
		if s.heard++; s.heard%50 == 0 {
			go s.awaitEnd()
		}
	}},
	"timers-of-resident": {sends: func(_ *hub, s *session, e envelope) {
		if e.Type == "peer-discovered" {
			s.timers = append(s.timers, time.AfterFunc(24*time.Hour, func() { s.ws.Close() }))
		}
	}},

	// These do not leak.
	"history-of-resident": {sends: func(_ *hub, s *session, e envelope) {
		if s.notices = append(s.notices, e.Data); len(s.notices) > historySize {
			s.notices = append(s.notices[:0], s.notices[1:]...)
		}
	}},
	"healthy": {},
	"bounded-cache": {ends: func(h *hub, s *session, _ end) bool {
		if h.cache = append(h.cache, s.id); len(h.cache) > 400 {
			h.cache = append(h.cache[:0], h.cache[1:]...)
		}
		return true
	}},
	"pool": {
		accepts: func(h *hub, s *session) { s.take(h) },
		ends:    func(h *hub, s *session, _ end) bool { s.give(h); return true },
	},
	"lazy-map": {
		accepts: func(h *hub, s *session) {
			if h.index == nil {
				h.index = map[string][128]byte{}
			}
			h.index[s.id] = [128]byte{}
		},
		ends: func(h *hub, s *session, _ end) bool { delete(h.index, s.id); return true },
	},
	"sawtooth": {begins: func(h *hub) { go h.surge() }},
	"released-later": {ends: func(h *hub, s *session, why end) bool {
		if why == endReset {
			time.AfterFunc(1500*time.Millisecond, func() {
				h.mu.Lock()
				defer h.mu.Unlock()
				delete(h.sessions, s)
			})
		}
		return why != endReset
	}},
}

func (v *version) accept(h *hub, s *session) {
	if v.accepts != nil {
		v.accepts(h, s)
	}
}

func (v *version) message(h *hub, s *session, e envelope) {
	if v.messages != nil {
		v.messages(h, s, e)
	}
}

func (v *version) move(h *hub, s *session, e envelope) bool {
	return v.moves == nil || v.moves(h, s, e)
}

func (v *version) ended(h *hub, s *session, why end) bool {
	return v.ends == nil || v.ends(h, s, why)
}

func (v *version) sent(h *hub, s *session, e envelope) {
	if v.sends == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	v.sends(h, s, e)
}
