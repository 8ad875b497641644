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
func TestGate(t *testing.T) {
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
		begin, taken := time.Now(), atomic.Int64{}
		var ended error
		go func() {
			for {
				c, err := g.Accept()
				if err != nil {
					ended = err
					return
				}
				taken.Add(1)
				l.track(c, http.StateNew)
			}
		}()
		want := func(n int64) {
			t.Helper()
			synctest.Wait()
			if got := taken.Load(); got != n {
				t.Errorf("after %s %d are taken, want %d", time.Since(begin), got, n)
			}
		}
		want(3)
		time.Sleep(pendingGrace / 2)
		want(3)
		l.track(conns[2], http.StateHijacked)
		want(4)
		time.Sleep(pendingGrace / 2) // the first two are sent away
		want(6)
		for i, c := range conns {
			if err := c.SetDeadline(time.Time{}); (err != nil) != (i < 2) {
				t.Errorf("connection %d: %v", i, err)
			}
		}
		_ = g.Close()
		want(6)
		if !errors.Is(ended, net.ErrClosed) {
			t.Errorf("closed: %v", ended)
		}
	})
}

// Who is answered and asks again and again keeps nobody out: a thousand such connections
// once closed the door for good.
func TestGateOpensForOneThatAsksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newConnLimiter(1, 3, func() int { return 100 }, slog.New(slog.DiscardHandler))
		conns := enter(l, 3)
		for range 20 { // always busy, for longer than the grace
			for _, c := range conns {
				l.track(c, http.StateIdle)
				l.track(c, http.StateActive)
			}
			time.Sleep(pendingGrace / 10)
		}
		if wait := l.fullFor(); wait != 0 {
			t.Errorf("full for %s", wait)
		}
		here, _ := net.Pipe()
		l.track(here, http.StateNew)
		if l.size() != 3 {
			t.Errorf("%d wait, want 3", l.size())
		}
	})
}

// queue is a listener of what is in it.
type queue struct {
	net.Listener
	conns chan net.Conn
}

// from is a connection from an address.
type from struct {
	net.Conn
	address net.Addr
}

// arrive has a connection from an address come.
func arrive(l *connLimiter, ip string) (conn, surplus net.Conn) {
	here, _ := net.Pipe()
	conn = &from{here, &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}}
	return conn, l.note(conn, http.StateNew)
}

// Silent connections of one address, more than there is room for, do not stop the
// acceptance of others for longer than pendingSilence: the oldest of them is closed. A
// silent connection of another address, and one that has sent something, are not.
func TestSilentFloodStopsNoOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newConnLimiter(1, 6, func() int { return 1000 }, slog.New(slog.DiscardHandler))
		speaking := map[net.Conn]bool{}
		l.silent = func(conn net.Conn) bool { return !speaking[conn] }
		arrive(l, "192.0.2.1") // silent too, but the only one of its address
		spoke, _ := arrive(l, "192.0.2.2")
		speaking[spoke] = true
		active, _ := arrive(l, "192.0.2.2")
		l.track(active, http.StateActive)
		var flood []net.Conn
		for range 3 {
			conn, _ := arrive(l, "192.0.2.2")
			flood = append(flood, conn)
		}
		if wait := l.fullFor(); wait != pendingSilence {
			t.Errorf("full for %v, want %v", wait, pendingSilence)
		}
		time.Sleep(pendingSilence)
		for _, want := range flood {
			if wait := l.fullFor(); wait != 0 {
				t.Errorf("full for %v beside the flood", wait)
			}
			conn, surplus := arrive(l, "192.0.2.3")
			if surplus != want {
				t.Error("another connection was closed than the oldest silent one of the flood")
			}
			l.track(conn, http.StateClosed)
			flooding, _ := arrive(l, "192.0.2.2") // in its place
			speaking[flooding] = false
		}
	})
}
