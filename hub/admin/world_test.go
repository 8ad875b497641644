package admin_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// world is a hub with its public and its private listener.
type world struct {
	*testing.T
	hub             *hub.Hub
	public, private string       // host:port
	handler         http.Handler // the private one
	stop            func()       // of the private handler
}

func newWorld(t *testing.T, cfg hub.Config, public admin.PublicConfig) *world {
	t.Helper()
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	h, err := hub.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	w := &world{T: t, hub: h}
	w.public = w.serve(admin.Public(h, public))
	private, stop := admin.Private(h, admin.PrivateConfig{})
	w.stop, w.handler = stop, private
	t.Cleanup(stop)
	w.private = w.serve(private)
	return w
}

// serve serves until the test ends and returns the address.
func (w *world) serve(h http.Handler) string {
	w.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, DisableGeneralOptionsHandler: true}
	var serving sync.WaitGroup
	serving.Go(func() { srv.Serve(ln) })
	w.Cleanup(func() {
		srv.Close()
		serving.Wait()
	})
	return ln.Addr().String()
}

// answer is the response to one request.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request line as it stands, which no HTTP client would, and returns
// the answer. Headers are "Name: value".
func (w *world) ask(addr, method, target string, headers ...string) answer {
	w.Helper()
	return w.askAs(addr, addr, method, target, headers...)
}

// askAs is ask with a Host of its own.
func (w *world) askAs(host, addr, method, target string, headers ...string) answer {
	w.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	lines := append([]string{method + " " + target + " HTTP/1.1", "Host: " + host, "Connection: close"}, headers...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		w.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		w.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatalf("%s %s: %v", method, target, err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (w *world) get(target string, headers ...string) answer {
	w.Helper()
	return w.ask(w.public, http.MethodGet, target, headers...)
}

// want asserts status and body.
func (w *world) want(got answer, status int, body string) {
	w.Helper()
	if got.status != status || got.body != body {
		w.Errorf("got %d %.200q, want %d %q", got.status, got.body, status, body)
	}
}

// connect dials path and reads the greeting.
func (w *world) connect(path string, id wire.PeerID) *wire.Conn {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := wire.Dial(ctx, "ws://"+w.public+path, id, nil)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { c.Close() })
	if m := w.next(c); m.Type != "connected" {
		w.Fatalf("first message is %+v, want connected", m)
	}
	return c
}

// raw sends text and waits until the hub has handled it.
func (w *world) raw(c *wire.Conn, text string) {
	w.Helper()
	for _, t := range []string{text, `{"type":"ping"}`} {
		if err := c.SendRaw([]byte(t)); err != nil {
			w.Fatal(err)
		}
	}
	for w.next(c).Type != "pong" {
	}
}

func (w *world) next(c *wire.Conn) wire.Message {
	w.Helper()
	c.SetReceiveDeadline(time.Now().Add(10 * time.Second))
	m, err := c.Receive()
	if err != nil {
		w.Fatal(err)
	}
	return m
}

// settle polls until ok returns "", which names what is still amiss.
func (w *world) settle(ok func() string) {
	w.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		amiss := ok()
		if amiss == "" {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("did not settle: %s", amiss)
		}
	}
}

// digits returns the id of one digit, 40 times.
func digits(d string) wire.PeerID { return wire.PeerID(strings.Repeat(d, wire.PeerIDLen)) }

func bearer(token string) string { return fmt.Sprintf("Authorization: Bearer %s", token) }
