package hub_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// world is a hub on a listener, and the peers of one test. Its end checks that
// the hub's indexes agree and that Shutdown leaves nothing.
type world struct {
	*testing.T
	hub    *hub.Hub
	url    string
	dialer func(ctx context.Context, network, addr string) (net.Conn, error)
	ended  bool // the test has shut the hub down in a way of its own
}

// newWorld serves a hub over loopback TCP. Logs go to the test's output.
func newWorld(t *testing.T, cfg hub.Config) *world {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveWorld(t, cfg, ln, nil)
}

// newPipeWorld serves a hub over in-memory pipes, for testing/synctest bubbles:
// call it inside the bubble, and endWorld before the bubble's function returns.
func newPipeWorld(t *testing.T, cfg hub.Config) *world {
	t.Helper()
	ln := newPipeListener()
	return serveWorld(t, cfg, ln, ln.dial)
}

func serveWorld(t *testing.T, cfg hub.Config, ln net.Listener, dial func(context.Context, string, string) (net.Conn, error)) *world {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	h, err := hub.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	var wg sync.WaitGroup
	wg.Go(func() { srv.Serve(ln) })
	w := &world{T: t, hub: h, url: "ws://" + ln.Addr().String(), dialer: dial}
	t.Cleanup(func() {
		if err := h.CheckInvariants(); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.Shutdown(ctx); err != nil && !w.ended {
			t.Error(err)
		}
		srv.Close()
		wg.Wait()
		w.wantEmpty()
	})
	return w
}

// wantEmpty asserts that the hub holds nothing.
func (w *world) wantEmpty() {
	w.Helper()
	st := w.hub.Stats()
	if st.Sessions+st.Parked+st.Peers+st.Announced+st.Networks+st.Hubs+st.Subscriptions+st.Goroutines != 0 || st.QueuedBytes != 0 {
		w.Errorf("the hub still holds something: %+v", st)
	}
	if err := w.hub.CheckInvariants(); err != nil {
		w.Error(err)
	}
}

// peer is one connected peer with a name for failures.
type peer struct {
	*wire.Conn
	w    *world
	name string
}

// connect dials as id ("" for a fresh one) and reads the greeting.
func (w *world) connect(name string, id wire.PeerID) *peer {
	w.Helper()
	p, err := w.dial(name, id)
	if err != nil {
		w.Fatalf("%s: %v", name, err)
	}
	if m := p.next(); m.Type != "connected" {
		w.Fatalf("%s: first message is %+v, want connected", name, m)
	}
	return p
}

// dial connects without reading anything.
func (w *world) dial(name string, id wire.PeerID) (*peer, error) {
	if id == "" {
		id = wire.NewPeerID()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := wire.Dial(ctx, w.url, id, &wire.DialOptions{NetDialContext: w.dialer})
	if err != nil {
		return nil, err
	}
	w.Cleanup(func() { c.Close() })
	return &peer{Conn: c, w: w, name: name}, nil
}

// join connects and announces.
func (w *world) join(name, network string) *peer {
	w.Helper()
	p := w.connect(name, "")
	p.announce(network)
	return p
}

func (p *peer) announce(network string) {
	p.w.Helper()
	if err := p.Announce(network, nil); err != nil {
		p.w.Fatalf("%s: announce: %v", p.name, err)
	}
	p.fence()
}

// raw sends text as it is.
func (p *peer) raw(text string) {
	p.w.Helper()
	if err := p.SendRaw([]byte(text)); err != nil {
		p.w.Fatalf("%s: send: %v", p.name, err)
	}
}

// next returns the next message, within 10 seconds.
func (p *peer) next() wire.Message {
	p.w.Helper()
	p.SetReceiveDeadline(time.Now().Add(10 * time.Second))
	m, err := p.Receive()
	if err != nil {
		p.w.Fatalf("%s: receive: %v", p.name, err)
	}
	return m
}

// want returns the next message of a type, passing over the others.
func (p *peer) want(typ string) wire.Message {
	p.w.Helper()
	for {
		if m := p.next(); m.Type == typ {
			return m
		}
	}
}

// fence returns all that the hub sent before it answered a ping: after it, what
// has not come does not come.
func (p *peer) fence() []wire.Message {
	p.w.Helper()
	p.raw(`{"type":"ping"}`)
	var got []wire.Message
	for {
		m := p.next()
		if m.Type == "pong" {
			return got
		}
		got = append(got, m)
	}
}

// wantNothing asserts that nothing has come.
func (p *peer) wantNothing() {
	p.w.Helper()
	for _, m := range p.fence() {
		p.w.Errorf("%s: got %s from %s, want nothing", p.name, m.Type, m.FromPeerID)
	}
}

// wantClose reads until the end and asserts the close frame.
func (p *peer) wantClose(code int, reason string) {
	p.w.Helper()
	p.wantCloseWithin(10*time.Second, code, reason)
}

func (p *peer) wantCloseWithin(bound time.Duration, code int, reason string) {
	p.w.Helper()
	p.SetReceiveDeadline(time.Now().Add(bound))
	for {
		_, err := p.ReceiveRaw()
		if err == nil {
			continue
		}
		var closed *wire.CloseError
		if !errors.As(err, &closed) {
			p.w.Fatalf("%s: ended with %v, want close %d %q", p.name, err, code, reason)
		}
		if closed.Code != code || !strings.HasPrefix(closed.Reason, reason) {
			p.w.Errorf("%s: closed with %d %q, want %d %q", p.name, closed.Code, closed.Reason, code, reason)
		}
		p.Close()
		return
	}
}

// subject returns data.peerId of a message.
func subject(m wire.Message) wire.PeerID {
	var data struct{ PeerID wire.PeerID }
	json.Unmarshal(m.Data, &data)
	return data.PeerID
}

// settle polls until ok returns "", which names what is still amiss, for at most
// 10 seconds.
func (w *world) settle(ok func(hub.Stats) string) {
	w.Helper()
	w.settleWithin(10*time.Second, ok)
}

func (w *world) settleWithin(bound time.Duration, ok func(hub.Stats) string) {
	w.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(bound)
	for {
		amiss := ok(w.hub.Stats())
		if amiss == "" {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("did not settle: %s", amiss)
		}
		<-tick.C
	}
}

// pipeListener is a net.Listener of in-memory pipes.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "hub.pipe:80" }
