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
// nobody could be refused or told how the hub is. When there are too many, the
// one that has done nothing for longest is closed.
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
	order   *list.List // of guest; the one that has done nothing for longest is first
	warned  time.Time
}

// guest is a connection and when it last did something.
type guest struct {
	conn  net.Conn
	since time.Time
}

// The hub keeps 100 descriptors in reserve. 32 of them may be sessions that are
// being refused; listeners, logs and the runtime have a dozen.
const (
	publicLobbyLeast = 32
	publicLobbyMost  = 1024
	adminLobbySize   = 8
	lobbyWarnEvery   = time.Minute
	lobbyGrace       = 2 * time.Second // a guest of a full lobby that has done nothing for so long may be sent away
)

func newLobby(least, most int, free func() int, log *slog.Logger) *lobby {
	return &lobby{least: least, most: most, free: free, log: log, left: make(chan struct{}, 1),
		waiting: make(map[net.Conn]*list.Element), order: list.New()}
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
		l.waiting[conn] = l.order.PushBack(guest{conn, time.Now()})
		return l.surplusLocked()
	case http.StateActive, http.StateIdle:
		if known != nil {
			known.Value = guest{conn, time.Now()}
			l.order.MoveToBack(known)
		}
	case http.StateHijacked, http.StateClosed:
		if known != nil {
			l.removeLocked(known)
		}
	}
	return nil
}

func (l *lobby) surplusLocked() net.Conn {
	if l.order.Len() <= l.least {
		return nil
	}
	if l.free != nil && l.order.Len() <= min(l.least+max(0, l.free()), l.most) {
		return nil
	}
	now := time.Now()
	if now.Sub(l.warned) >= lobbyWarnEvery {
		l.warned = now
		l.log.Warn("closing connections that send no request: too many", "waiting", l.order.Len())
	}
	oldest := l.order.Front()
	l.removeLocked(oldest)
	return oldest.Value.(guest).conn
}

func (l *lobby) removeLocked(e *list.Element) {
	delete(l.waiting, e.Value.(guest).conn)
	l.order.Remove(e)
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
	if l.order.Len() < l.most {
		return 0
	}
	return max(0, lobbyGrace-time.Since(l.order.Front().Value.(guest).since))
}

// size returns how many connections wait.
func (l *lobby) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.order.Len()
}
