package main

import (
	"container/list"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// lobby keeps the connections that no request has made a WebSocket session of: new
// ones that send their request slowly or never, and idle ones. Sessions are
// limited by the hub; these would otherwise take the last descriptors, and then
// nobody could be refused or told how the hub is. When there are too many, one is
// closed: of those that have had an answer the one that was idle for longest, or else
// the one that has been there for longest, whatever it does.
//
// There may be many while descriptors are plenty, so that a herd of peers that
// all reconnect at once is let in. What is more than that waits before the door: see
// gate.
type lobby struct {
	least, most int
	free        func() int // descriptors that may be used beside the least; nil: none
	log         *slog.Logger
	left        chan struct{} // told when one has left

	mu      sync.Mutex
	waiting map[net.Conn]*list.Element
	order   list.List // of *guest without an answer; who has been there for longest is first
	idle    list.List // of *guest that have had one and ask for nothing more; the longest idle is first
	warned  time.Time
}

// guest is a connection and when it came.
type guest struct {
	conn net.Conn
	came time.Time
	of   *list.List // that it is in
}

// The hub keeps 100 descriptors in reserve. 32 of them may be sessions that are
// being refused; listeners, logs and the runtime have a dozen.
const (
	publicLobbyLeast = 32
	publicLobbyMost  = 1024
	adminLobbySize   = 8
	lobbyWarnEvery   = time.Minute
	lobbyGrace       = 2 * time.Second // a guest of a full lobby that has been there for so long may be sent away
)

func newLobby(least, most int, free func() int, log *slog.Logger) *lobby {
	return &lobby{least: least, most: most, free: free, log: log, left: make(chan struct{}, 1),
		waiting: make(map[net.Conn]*list.Element)}
}

// track is an http.Server.ConnState.
func (l *lobby) track(conn net.Conn, state http.ConnState) {
	if surplus := l.note(conn, state); surplus != nil {
		if t, ok := surplus.(*tls.Conn); ok {
			surplus = t.NetConn() // closing the TLS side would wait for the peer to read
		}
		surplus.Close()
	}
}

// note takes down what a connection does, and returns one to close, if any.
func (l *lobby) note(conn net.Conn, state http.ConnState) (surplus net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.waiting[conn]
	switch state {
	case http.StateNew:
		l.waiting[conn] = l.order.PushBack(&guest{conn, time.Now(), &l.order})
		return l.surplusLocked()
	case http.StateIdle:
		if known != nil {
			l.moveLocked(known, &l.idle, l.idle.PushBack)
		}
	case http.StateActive:
		if known != nil && known.Value.(*guest).of == &l.idle {
			// It came before those that have had no answer yet: else who asks again and
			// again would never be the one to go.
			l.moveLocked(known, &l.order, l.order.PushFront)
		}
	case http.StateHijacked, http.StateClosed:
		if known != nil {
			l.removeLocked(known)
		}
	}
	return nil
}

// moveLocked moves a guest to another list.
func (l *lobby) moveLocked(e *list.Element, to *list.List, push func(any) *list.Element) {
	g := e.Value.(*guest)
	g.of.Remove(e)
	g.of = to
	l.waiting[g.conn] = push(g)
}

func (l *lobby) surplusLocked() net.Conn {
	n := len(l.waiting)
	if n <= l.least {
		return nil
	}
	if l.free != nil && n <= min(l.least+max(0, l.free()), l.most) {
		return nil
	}
	now := time.Now()
	if now.Sub(l.warned) >= lobbyWarnEvery {
		l.warned = now
		l.log.Warn("closing connections that send no request: too many", "waiting", n)
	}
	e := l.idle.Front()
	if e == nil {
		e = l.order.Front()
	}
	l.removeLocked(e)
	return e.Value.(*guest).conn
}

func (l *lobby) removeLocked(e *list.Element) {
	g := e.Value.(*guest)
	delete(l.waiting, g.conn)
	g.of.Remove(e)
	select {
	case l.left <- struct{}{}:
	default: // it is told already
	}
}

// fullFor returns for how long nobody may be sent away to make room: 0 if there is some,
// or if descriptors are too few to be patient.
func (l *lobby) fullFor() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) < l.most || l.idle.Len() > 0 {
		return 0
	}
	return max(0, lobbyGrace-time.Since(l.order.Front().Value.(*guest).came))
}

// size returns how many connections wait.
func (l *lobby) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}
