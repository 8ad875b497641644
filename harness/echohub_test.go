package harness_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

// echoHub is a hub that only greets peers and answers pings. If leaks is set, it keeps peers that
// leave with a goodbye.
type echoHub struct {
	*harness.Pipes
	server *http.Server
	open   fixture.Handlers
	leaks  bool

	janitor  chan struct{} // asks for their removal, and answers; nil if nothing removes them
	sweeping bool          // it runs

	copies func() int   // how many objects it keeps for each; nil for 1
	err    error        // of Dial and Gauges
	fails  atomic.Int64 // how many of the next dials fail

	hear  func(s *echoSession, kind string) (end bool) // is called for each message, with mu held, if set
	stays func(s *echoSession) bool                    // whether a session stays when its peer has left, if set

	mu    sync.Mutex
	state echoState
}

type echoState struct {
	sessions map[*echoSession]bool
	left     []*echoSession
	heard    map[*echoSession][]string // what sessions collect
}

type echoSession struct {
	id    string
	pings int
}

func startEchoHub(t *testing.T) *echoHub {
	t.Helper()
	h := &echoHub{Pipes: harness.ListenPipes(), state: echoState{sessions: map[*echoSession]bool{}, heard: map[*echoSession][]string{}}}
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	h.open.Go(func() { h.server.Serve(h.Pipes) })
	t.Cleanup(func() { h.Stop(context.Background()) })
	return h
}

func (h *echoHub) URL() string { return "ws://" + h.Addr().String() }

func (h *echoHub) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if h.err != nil {
		return nil, h.err
	}
	if h.fails.Load() > 0 && h.fails.Add(-1) >= 0 {
		return nil, errors.New("this one fails")
	}
	return h.DialContext(ctx, network, addr)
}

func (h *echoHub) Stop(context.Context) error {
	err := h.server.Close()
	h.open.Wait()
	return err
}

func (h *echoHub) Gauges() (map[string]float64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	janitors := 0.0
	if h.sweeping {
		janitors = 1
	}
	return map[string]float64{"sessions": float64(len(h.state.sessions)), "janitors": janitors}, h.err
}

func (h *echoHub) Check() error { return nil }

func (h *echoHub) Roots() map[string]any { return map[string]any{"hub": &h.state} }

func (h *echoHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.open.Enter() {
		return
	}
	defer h.open.Done()
	conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	s := &echoSession{id: r.URL.Query().Get("peerId")}
	h.mu.Lock()
	h.state.sessions[s] = true
	h.mu.Unlock()
	said := h.talk(s, conn)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.state.heard, s)
	if h.stays == nil || !h.stays(s) {
		delete(h.state.sessions, s)
	}
	if h.leaks && said == `goodbye` {
		copies := 1
		if h.copies != nil {
			copies = h.copies()
		}
		h.state.left = append(h.state.left, slices.Repeat([]*echoSession{s}, copies)...)
		if h.janitor != nil && !h.sweeping {
			h.sweeping = true
			h.open.Go(h.sweep)
		}
	}
}

// talk returns the type of the last message.
func (h *echoHub) talk(s *echoSession, conn *websocket.Conn) (last string) {
	send := func(text string) { _ = conn.WriteMessage(websocket.TextMessage, []byte(text)) } // the reader will see
	send(`{"type":"connected"}`)
	for {
		_, b, err := conn.ReadMessage()
		if err != nil {
			return last
		}
		last = strings.Split(string(b), `"`)[3]
		if h.hears(s, last) {
			return last
		}
		if last == "ping" {
			s.pings++
			send(`{"type":"pong"}`)
		}
	}
}

func (h *echoHub) hears(s *echoSession, kind string) (end bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hear != nil && h.hear(s, kind)
}
