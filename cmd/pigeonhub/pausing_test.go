package main

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A full pausingListener accepts again when a connection leaves, or when one has been
// pending for long. Closing it ends Accept with an error.
func TestPausingListener(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newConnLimiter(1, 3, func() int { return 100 }, slog.New(slog.DiscardHandler))
		var conns []net.Conn
		outside := &queue{conns: make(chan net.Conn, 10)}
		for range 7 {
			here, _ := net.Pipe()
			conns = append(conns, here)
			outside.conns <- here
		}
		g := newPausingListener(outside, l)
		begin, accepted := time.Now(), atomic.Int64{}
		var ended error
		go func() {
			for {
				c, err := g.Accept()
				if err != nil {
					ended = err
					return
				}
				accepted.Add(1)
				l.track(c, http.StateNew)
			}
		}()
		want := func(n int64) {
			t.Helper()
			synctest.Wait()
			if got := accepted.Load(); got != n {
				t.Errorf("after %s %d connections are accepted, want %d", time.Since(begin), got, n)
			}
		}
		want(3)
		time.Sleep(pendingGrace / 2)
		want(3)
		l.track(conns[2], http.StateHijacked)
		want(4)
		time.Sleep(pendingGrace / 2) // the first two are closed
		want(6)
		for i, c := range conns {
			if err := c.SetDeadline(time.Time{}); (err != nil) != (i < 2) {
				t.Errorf("connection %d: %v", i, err)
			}
		}
		_ = g.Close()
		want(6)
		if !errors.Is(ended, net.ErrClosed) {
			t.Errorf("Accept after Close: %v, want %v", ended, net.ErrClosed)
		}
	})
}

// Connections that send request after request do not stop Accept for longer than pendingGrace.
func TestBusyKeepAliveDoesNotStopAccept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newConnLimiter(1, 3, func() int { return 100 }, slog.New(slog.DiscardHandler))
		conns := trackNew(l, 3)
		for range 20 { // active for longer than pendingGrace
			for _, c := range conns {
				l.track(c, http.StateIdle)
				l.track(c, http.StateActive)
			}
			time.Sleep(pendingGrace / 10)
		}
		if wait := l.fullFor(); wait != 0 {
			t.Errorf("Accept waits for %s", wait)
		}
		here, _ := net.Pipe()
		l.track(here, http.StateNew)
		if l.size() != 3 {
			t.Errorf("%d connections are pending, want 3", l.size())
		}
	})
}

// queue is a listener that accepts the connections of a channel.
type queue struct {
	net.Listener
	conns chan net.Conn
}

// from is a connection with a remote address.
type from struct {
	net.Conn
	address net.Addr
}

// noteFrom notes a new connection from an address, and returns it and the one to close.
func noteFrom(l *connLimiter, ip string) (conn, surplus net.Conn) {
	here, _ := net.Pipe()
	conn = &from{here, &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}}
	return conn, l.note(conn, http.StateNew)
}

// A flood of silent connections from one address does not stop Accept for longer than
// pendingSilence: the oldest of them is closed. A silent connection from another address, and one
// that has sent something, stay open.
func TestSilentFloodDoesNotStopAccept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newConnLimiter(1, 6, func() int { return 1000 }, slog.New(slog.DiscardHandler))
		speaking := map[net.Conn]bool{}
		l.silent = func(conn net.Conn) bool { return !speaking[conn] }
		noteFrom(l, "192.0.2.1") // silent too, but the only one from its address
		spoke, _ := noteFrom(l, "192.0.2.2")
		speaking[spoke] = true
		active, _ := noteFrom(l, "192.0.2.2")
		l.track(active, http.StateActive)
		var flood []net.Conn
		for range 3 {
			conn, _ := noteFrom(l, "192.0.2.2")
			flood = append(flood, conn)
		}
		if wait := l.fullFor(); wait != pendingSilence {
			t.Errorf("Accept waits for %v, want %v", wait, pendingSilence)
		}
		time.Sleep(pendingSilence)
		for _, want := range flood {
			if wait := l.fullFor(); wait != 0 {
				t.Errorf("Accept waits for %v beside the flood", wait)
			}
			conn, surplus := noteFrom(l, "192.0.2.3")
			if surplus != want {
				t.Error("a connection was closed that is not the oldest silent one of the flood")
			}
			l.track(conn, http.StateClosed)
			flooding, _ := noteFrom(l, "192.0.2.2") // replaces the closed one
			speaking[flooding] = false
		}
	})
}
