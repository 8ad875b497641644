package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// wrong describes the mistake of a wrong hub: our hub behind a server that replaces messages. A nil
// function changes nothing.
type wrong struct {
	path    string                            // the only valid one, if set
	id      func(id string) string            // the id of the peer for the hub
	toHub   func(id, message string) []string // the messages that the hub gets
	answer  func(message string) string       // a reply of the server itself
	toPeer  func(message string) []string     // the messages that the peer gets
	closing func(code int) (int, string)      // how connections end
	octets  [2]string                         // the second replaces the first in bytes to the peer
	limit   int64                             // bytes of a message from a peer
	strict  bool                              // ends the connection at invalid JSON
	texts   bool                              // ends the connection at binary messages
	whole   bool                              // ends the connection at fragments
	noPongs bool                              // does not answer ping frames
	keeps   bool                              // never detects that a peer has gone
}

// wrongHub is a running wrong hub.
type wrongHub struct {
	*hubtest.Target
	wrong  wrong
	pipes  *harness.Pipes
	server *http.Server
	open   fixture.Handlers
}

func startWrongHub(w wrong) (*wrongHub, error) {
	right, err := hubtest.StartPipes(hub.Config{DrainWindow: -1})
	if err != nil {
		return nil, err
	}
	h := &wrongHub{Target: right, wrong: w, pipes: harness.ListenPipes()}
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	h.open.Go(func() { h.server.Serve(h.pipes) })
	return h, nil
}

// Dial connects to the server before the hub.
func (h *wrongHub) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := h.pipes.DialContext(ctx, network, addr)
	return &wrongConn{conn, &h.wrong}, err
}

func (h *wrongHub) Stop(ctx context.Context) error {
	err := errors.Join(h.Target.Stop(ctx), h.server.Close())
	h.open.Wait()
	return err
}

// wrongConn makes mistakes in frames.
type wrongConn struct {
	net.Conn
	wrong *wrong
}

func (c *wrongConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.wrong.octets[0] != "" {
		copy(b, bytes.ReplaceAll(b[:n], []byte(c.wrong.octets[0]), []byte(c.wrong.octets[1])))
	}
	return n, err
}

func (c *wrongConn) Write(b []byte) (int, error) {
	if c.wrong.whole && b[0] == 0x01 {
		return len(b), c.Close()
	}
	return c.Conn.Write(b)
}

func (h *wrongHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("peerId")
	if h.wrong.id != nil {
		id = h.wrong.id(id)
	}
	if h.wrong.path != "" && r.URL.Path != h.wrong.path {
		http.NotFound(w, r)
		return
	}
	if !h.open.Enter() { // before the hijack, because the server does not wait for it afterwards
		return
	}
	defer h.open.Done()
	dialer := websocket.Dialer{NetDialContext: h.Target.Dial}
	there, _, err := dialer.Dial(h.URL()+"/?peerId="+id, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	here, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		there.Close()
		return
	}
	if h.wrong.limit > 0 {
		here.SetReadLimit(h.wrong.limit)
	}
	if h.wrong.noPongs {
		here.SetPingHandler(func(string) error { return nil })
	}
	c := &wrongSession{wrong: &h.wrong, id: id, here: here, there: there, out: make(chan func(), 4096)}
	c.ended, c.end = context.WithCancel(context.Background())
	h.open.Go(c.hear)
	h.open.Go(c.say)
	h.open.Go(c.write)
}

// wrongSession is one peer of a wrong hub.
type wrongSession struct {
	*wrong
	id    string
	here  *websocket.Conn // to the peer
	there *websocket.Conn // to the hub

	out   chan func() // writes to the peer
	ended context.Context
	end   context.CancelFunc
}

// say forwards a message of the peer.
func (c *wrongSession) say() {
	for {
		kind, b, err := c.here.ReadMessage()
		if err != nil && c.keeps {
			return
		}
		if err != nil || c.texts && kind == websocket.BinaryMessage || c.strict && !json.Valid(b) {
			c.here.Close()
			c.there.Close()
			return
		}
		messages := []string{string(b)}
		if c.toHub != nil {
			messages = c.toHub(c.id, string(b))
		}
		for _, m := range messages {
			c.there.WriteMessage(kind, []byte(m))
		}
		if c.answer != nil {
			c.queue(c.answer(string(b)))
		}
	}
}

// hear forwards the messages of the hub.
func (c *wrongSession) hear() {
	defer c.there.Close()
	for {
		_, b, err := c.there.ReadMessage()
		if err != nil {
			var closed *websocket.CloseError
			if errors.As(err, &closed) {
				if c.closing != nil {
					closed.Code, closed.Text = c.closing(closed.Code)
				}
				c.out <- func() {
					c.here.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(closed.Code, closed.Text), time.Now().Add(time.Second))
				}
			}
			c.out <- c.end
			return
		}
		messages := []string{string(b)}
		if c.toPeer != nil {
			messages = c.toPeer(string(b))
		}
		for _, m := range messages {
			c.queue(m)
		}
	}
}

func (c *wrongSession) queue(message string) {
	if message != "" {
		c.out <- func() { c.here.WriteMessage(websocket.TextMessage, []byte(message)) }
	}
}

// write writes to the peer until the hub has ended the connection.
func (c *wrongSession) write() {
	defer c.here.Close()
	for c.ended.Err() == nil {
		(<-c.out)()
	}
}
