package main

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// startConnLimiter serves "ok", and sessions at /session, behind a connLimiter.
func startConnLimiter(t *testing.T, least, free int, secure bool) (l *connLimiter, addr string) {
	t.Helper()
	l = newConnLimiter(least, 1000, func() int { return free }, slog.New(slog.DiscardHandler))
	srv := newPublicServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/session" {
			io.WriteString(w, "ok")
			return
		}
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			io.WriteString(c, "session")
			t.Cleanup(func() { c.Close() })
		}
	}), l, slog.New(slog.DiscardHandler))
	ln, err := listen(t.Context(), "127.0.0.1", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	if secure {
		certFile, keyFile := writeCertificate(t, "pending.example")
		cert := &certificate{certFile: certFile, keyFile: keyFile, recheck: time.Hour}
		if err := cert.load(); err != nil {
			t.Fatal(err)
		}
		ln = tls.NewListener(ln, cert.serverConfig())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(ln)
	}()
	t.Cleanup(func() {
		srv.Close()
		<-done
	})
	return l, addr
}

// call connects and says something.
func call(t *testing.T, addr, words string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, words); err != nil {
		t.Fatal(err)
	}
	return c
}

// wantClosed asserts that the server closes the connection, and not for a timeout.
func wantClosed(t *testing.T, who string, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(headerTimeout / 2))
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s is still connected", who)
	}
}

// Connections that never finish a request make room for those that do.
func TestPendingMakesRoom(t *testing.T) {
	t.Parallel()
	for scheme, partOfARequest := range map[string]string{"http": "GET / HTTP/1.1\r\nHost: slow", "https": "\x16\x03\x01"} {
		t.Run(scheme, func(t *testing.T) {
			l, addr := startConnLimiter(t, 4, 0, scheme == "https")
			var stuck []net.Conn
			for range 20 {
				stuck = append(stuck, call(t, addr, ""), call(t, addr, partOfARequest))
			}
			if err := askHealth(t.Context(), scheme+"://"+addr+"/"); err != nil {
				t.Errorf("nobody gets through: %v", err)
			}
			for i, c := range stuck[:len(stuck)-4] {
				wantClosed(t, "connection "+string(rune('a'+i)), c)
			}
			if n := l.size(); n > 4 {
				t.Errorf("%d wait, want 4 at most", n)
			}
		})
	}
}

// While descriptors are plenty, nobody is sent away.
func TestPendingHoldsAHerd(t *testing.T) {
	t.Parallel()
	l, addr := startConnLimiter(t, 4, 100, false)
	for range 50 {
		call(t, addr, "GET / HTTP/1.1\r\n")
	}
	if err := askHealth(t.Context(), "http://"+addr+"/"); err != nil {
		t.Error(err)
	}
	if n := l.size(); n < 50 {
		t.Errorf("%d wait, want all 50", n)
	}
}

// Sessions are not pending and take no room.
func TestPendingForgetsSessions(t *testing.T) {
	t.Parallel()
	l, addr := startConnLimiter(t, 4, 0, false)
	hello := make([]byte, len("session"))
	var sessions []net.Conn
	for range 10 {
		c := call(t, addr, "GET /session HTTP/1.1\r\nHost: x\r\n\r\n")
		c.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(c, hello); err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, c)
	}
	if n := l.size(); n != 0 {
		t.Errorf("%d wait, want none", n)
	}
	for range 10 {
		call(t, addr, "")
	}
	if err := askHealth(t.Context(), "http://"+addr+"/"); err != nil {
		t.Error(err)
	}
	for _, c := range sessions {
		c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := c.Read(hello); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a session has ended: %v", err)
		}
	}
}

// Thousands of connections pass through while few are pending at any moment: the ones
// that have passed do not count.
func TestPendingLetsAHerdThrough(t *testing.T) {
	t.Parallel()
	sessions := 0
	l := newConnLimiter(4, 100, func() int { return 10_000 - sessions }, slog.New(slog.DiscardHandler))
	for range 9_000 {
		here, there := net.Pipe()
		if surplus := l.note(here, http.StateNew); surplus != nil {
			t.Fatalf("after %d sessions a connection was closed with %d waiting", sessions, l.size())
		}
		if sessions++; sessions > 50 { // fifty wait
			l.note(here, http.StateHijacked)
		}
		there.Close()
	}
}

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

// enter has n connections come.
func enter(l *connLimiter, n int) (conns []net.Conn) {
	for range n {
		here, _ := net.Pipe()
		l.track(here, http.StateNew)
		conns = append(conns, here)
	}
	return conns
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

// If there are too many, an idle connection is closed first, and at once.
func TestPendingSendsTheAnsweredAwayFirst(t *testing.T) {
	t.Parallel()
	l := newConnLimiter(1, 3, func() int { return 100 }, slog.New(slog.DiscardHandler))
	conns := enter(l, 3)
	if l.fullFor() == 0 {
		t.Error("there is room before anybody was answered")
	}
	l.track(conns[2], http.StateActive)
	l.track(conns[2], http.StateIdle)
	here, _ := net.Pipe()
	if surplus := l.note(here, http.StateNew); surplus != conns[2] {
		t.Error("another than the one that has had an answer was sent away")
	}
}

// queue is a listener of what is in it.
type queue struct {
	net.Listener
	conns chan net.Conn
}

func (q *queue) Accept() (net.Conn, error) { return <-q.conns, nil }
func (q *queue) Close() error              { return nil }

// A connLimiter of a fixed size does not ask for free descriptors.
func TestPendingOfFixedSize(t *testing.T) {
	t.Parallel()
	l := newConnLimiter(8, 8, nil, slog.New(slog.DiscardHandler))
	closed := 0
	for range 20 {
		here, _ := net.Pipe()
		if l.note(here, http.StateNew) != nil {
			closed++
		}
	}
	if closed != 12 || l.size() != 8 {
		t.Errorf("%d closed and %d wait, want 12 and 8", closed, l.size())
	}
}

// from is a connection from an address.
type from struct {
	net.Conn
	address net.Addr
}

func (f *from) RemoteAddr() net.Addr { return f.address }

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
