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

// connLimiter bounds the pending connections: the ones that are no WebSocket session,
// because they are new, send their request slowly or never, or are idle. The hub
// limits sessions. Without a bound, pending connections would take the last
// descriptors, and neither a refusal nor a health check could be answered.
//
// If there are too many, it closes one: the one that has been idle for longest, or,
// if none is idle, the oldest silent one of the address that has most, or, if none is
// silent, the one that came first. It allows many while descriptors are free, so that
// peers that all reconnect at once get in. See pausingListener for the ones above that.
type connLimiter struct {
	least, most int
	free        func() int               // returns the free descriptors beyond least; nil means none
	silent      func(conn net.Conn) bool // isSilent
	log         *slog.Logger
	left        chan struct{} // receives a value when a connection has left

	mu      sync.Mutex
	waiting map[net.Conn]*list.Element
	sources map[string]int // how many of waiting each address has
	order   list.List      // of *pendingConn that got no response yet; the one that came first is first
	idle    list.List      // of *pendingConn that got one and are idle; the longest idle is first
	warned  time.Time
}

// pendingConn is a connection and when it came.
type pendingConn struct {
	conn   net.Conn
	source string // its address, without the port
	came   time.Time
	active bool       // its request has arrived
	of     *list.List // the list that it is in
}

// The hub keeps 100 descriptors in reserve. Sessions that are being refused may use
// 32 of them; listeners, logs and the runtime need about a dozen.
const (
	publicPendingLeast = 32
	publicPendingMost  = 1024
	adminPending       = 8
	pendingWarnEvery   = time.Minute
	pendingGrace       = 2 * time.Second        // how long a pending connection is safe while there is no room
	pendingSilence     = 250 * time.Millisecond // the same if it has sent nothing: several round trips
)

func newConnLimiter(least, most int, free func() int, log *slog.Logger) *connLimiter {
	return &connLimiter{least: least, most: most, free: free, silent: isSilent, log: log, left: make(chan struct{}, 1),
		waiting: make(map[net.Conn]*list.Element), sources: make(map[string]int)}
}

// track implements http.Server.ConnState.
func (l *connLimiter) track(conn net.Conn, state http.ConnState) {
	if surplus := l.note(conn, state); surplus != nil {
		if t, ok := surplus.(*tls.Conn); ok {
			surplus = t.NetConn() // closing the TLS connection would wait for the peer to read
		}
		surplus.Close()
	}
}

// note records the state of a connection. It returns a connection to close, or nil.
func (l *connLimiter) note(conn net.Conn, state http.ConnState) (surplus net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.waiting[conn]
	switch state {
	case http.StateNew:
		g := &pendingConn{conn: conn, source: sourceOf(conn), came: time.Now(), of: &l.order}
		l.sources[g.source]++
		l.waiting[conn] = l.order.PushBack(g)
		return l.surplusLocked()
	case http.StateIdle:
		if known != nil {
			l.moveLocked(known, &l.idle, l.idle.PushBack)
		}
	case http.StateActive:
		if known != nil {
			known.Value.(*pendingConn).active = true
		}
		if known != nil && known.Value.(*pendingConn).of == &l.idle {
			// It came before the ones without a response. At the back, a connection
			// that sends request after request would never be closed.
			l.moveLocked(known, &l.order, l.order.PushFront)
		}
	case http.StateHijacked, http.StateClosed:
		if known != nil {
			l.removeLocked(known)
		}
	}
	return nil
}

// moveLocked moves a connection to another list.
func (l *connLimiter) moveLocked(e *list.Element, to *list.List, push func(any) *list.Element) {
	g := e.Value.(*pendingConn)
	g.of.Remove(e)
	g.of = to
	l.waiting[g.conn] = push(g)
}

func (l *connLimiter) surplusLocked() net.Conn {
	n := len(l.waiting)
	if n <= l.least {
		return nil
	}
	if l.free != nil && n <= min(l.least+max(0, l.free()), l.most) {
		return nil
	}
	now := time.Now()
	if now.Sub(l.warned) >= pendingWarnEvery {
		l.warned = now
		l.log.Warn("too many connections without a request: closing one", "waiting", n)
	}
	e := l.idle.Front()
	if e == nil {
		e = l.silentLocked()
	}
	if e == nil {
		e = l.order.Front()
	}
	l.removeLocked(e)
	return e.Value.(*pendingConn).conn
}

// silentLocked returns the oldest connection of the address that has most, if it has
// been silent for pendingSilence. The peers of a herd send their requests at once, so a
// silent connection is not one of them.
func (l *connLimiter) silentLocked() *list.Element {
	source, most := "", 0
	for s, n := range l.sources {
		if n > most {
			source, most = s, n
		}
	}
	const looks = 8 // how many are asked whether they are silent
	looked := 0
	for e := l.order.Front(); e != nil && looked < looks; e = e.Next() {
		g := e.Value.(*pendingConn)
		if g.source != source || g.active {
			continue
		}
		if time.Since(g.came) < pendingSilence {
			return nil // those behind it are younger
		}
		if looked++; l.silent(g.conn) {
			return e
		}
	}
	return nil
}

// sourceOf returns the address that a connection comes from.
func sourceOf(conn net.Conn) string {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		return conn.RemoteAddr().String()
	}
	return host
}

func (l *connLimiter) removeLocked(e *list.Element) {
	g := e.Value.(*pendingConn)
	delete(l.waiting, g.conn)
	if l.sources[g.source]--; l.sources[g.source] == 0 {
		delete(l.sources, g.source)
	}
	g.of.Remove(e)
	select {
	case l.left <- struct{}{}:
	default: // a value is there already
	}
}

// fullFor returns how long no connection may be closed to make room. It returns 0 if
// there is room, if a connection is idle or silent, or if too few descriptors are free
// to wait.
func (l *connLimiter) fullFor() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) < l.most || l.idle.Len() > 0 {
		return 0
	}
	if l.silentLocked() != nil {
		return 0
	}
	left := pendingGrace - time.Since(l.order.Front().Value.(*pendingConn).came)
	return max(0, min(left, pendingSilence)) // then one may be silent for long enough
}

// size returns the number of pending connections.
func (l *connLimiter) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}
