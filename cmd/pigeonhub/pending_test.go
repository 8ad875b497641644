package main

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
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

// dialAndSend dials addr and sends text.
func dialAndSend(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// wantClosed asserts that the server closes the connection before its header timeout would.
func wantClosed(t *testing.T, name string, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(headerTimeout / 2))
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s is still connected", name)
	}
}

// Connections that never finish a request are closed for those that do.
func TestPendingMakesRoom(t *testing.T) {
	t.Parallel()
	for scheme, partOfARequest := range map[string]string{"http": "GET / HTTP/1.1\r\nHost: slow", "https": "\x16\x03\x01"} {
		t.Run(scheme, func(t *testing.T) {
			l, addr := startConnLimiter(t, 4, 0, scheme == "https")
			var stuck []net.Conn
			for range 20 {
				stuck = append(stuck, dialAndSend(t, addr, ""), dialAndSend(t, addr, partOfARequest))
			}
			if err := askHealth(t.Context(), scheme+"://"+addr+"/"); err != nil {
				t.Errorf("the health check fails beside pending connections: %v", err)
			}
			for i, c := range stuck[:len(stuck)-4] {
				wantClosed(t, "connection "+string(rune('a'+i)), c)
			}
			if n := l.size(); n > 4 {
				t.Errorf("%d connections are pending, want at most 4", n)
			}
		})
	}
}

// While descriptors are free, no pending connection is closed.
func TestPendingClosesNoneWhileDescriptorsAreFree(t *testing.T) {
	t.Parallel()
	l, addr := startConnLimiter(t, 4, 100, false)
	for range 50 {
		dialAndSend(t, addr, "GET / HTTP/1.1\r\n")
	}
	if err := askHealth(t.Context(), "http://"+addr+"/"); err != nil {
		t.Error(err)
	}
	if n := l.size(); n < 50 {
		t.Errorf("%d connections are pending, want all 50", n)
	}
}

// Sessions do not count as pending.
func TestPendingForgetsSessions(t *testing.T) {
	t.Parallel()
	l, addr := startConnLimiter(t, 4, 0, false)
	hello := make([]byte, len("session"))
	var sessions []net.Conn
	for range 10 {
		c := dialAndSend(t, addr, "GET /session HTTP/1.1\r\nHost: x\r\n\r\n")
		c.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(c, hello); err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, c)
	}
	if n := l.size(); n != 0 {
		t.Errorf("%d connections are pending, want 0", n)
	}
	for range 10 {
		dialAndSend(t, addr, "")
	}
	if err := askHealth(t.Context(), "http://"+addr+"/"); err != nil {
		t.Error(err)
	}
	for _, c := range sessions {
		c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := c.Read(hello); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a session was closed: %v", err)
		}
	}
}

// Thousands of connections become sessions while few are pending at any moment.
func TestPendingAcceptsAHerd(t *testing.T) {
	t.Parallel()
	sessions := 0
	l := newConnLimiter(4, 100, func() int { return 10_000 - sessions }, slog.New(slog.DiscardHandler))
	for range 9_000 {
		here, there := net.Pipe()
		if surplus := l.note(here, http.StateNew); surplus != nil {
			t.Fatalf("after %d sessions a connection was closed with %d pending", sessions, l.size())
		}
		if sessions++; sessions > 50 { // the first fifty stay pending
			l.note(here, http.StateHijacked)
		}
		there.Close()
	}
}

// trackNew tracks n new connections and returns them.
func trackNew(l *connLimiter, n int) (conns []net.Conn) {
	for range n {
		here, _ := net.Pipe()
		l.track(here, http.StateNew)
		conns = append(conns, here)
	}
	return conns
}

// If there are too many pending connections, an idle one is closed first, and at once.
func TestPendingClosesIdleFirst(t *testing.T) {
	t.Parallel()
	l := newConnLimiter(1, 3, func() int { return 100 }, slog.New(slog.DiscardHandler))
	conns := trackNew(l, 3)
	if l.fullFor() == 0 {
		t.Error("the limiter is not full although no connection is idle")
	}
	l.track(conns[2], http.StateActive)
	l.track(conns[2], http.StateIdle)
	here, _ := net.Pipe()
	if surplus := l.note(here, http.StateNew); surplus != conns[2] {
		t.Error("a connection was closed that is not the idle one")
	}
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
		t.Errorf("%d closed and %d pending, want 12 and 8", closed, l.size())
	}
}

func (f *from) RemoteAddr() net.Addr { return f.address }
