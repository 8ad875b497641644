package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// serve runs a server that upgrades every request and gives it to handle, which
// ends the connection by returning. It returns the server's URL, with http.
func serve(t *testing.T, handle func(ws *websocket.Conn, r *http.Request)) string {
	t.Helper()
	var wg sync.WaitGroup
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wg.Add(1)
		defer wg.Done()
		upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.Close()
		handle(ws, r)
	}))
	t.Cleanup(func() { srv.Close(); wg.Wait() })
	return srv.URL
}

// hear returns a handler that reports each message it receives, then the error that ended the
// connection.
func hear() (handle func(*websocket.Conn, *http.Request), heard chan string) {
	heard = make(chan string, 100)
	return func(ws *websocket.Conn, _ *http.Request) {
		for {
			kind, b, err := ws.ReadMessage()
			if err != nil {
				heard <- err.Error()
				return
			}
			heard <- fmt.Sprintf("%d %s", kind, b)
		}
	}, heard
}

// say returns a handler that sends frames and then closes the connection.
func say(frames ...[]byte) func(*websocket.Conn, *http.Request) {
	return func(ws *websocket.Conn, _ *http.Request) {
		ws.NetConn().Write(slices.Concat(frames...))
	}
}

func dial(t *testing.T, url string, opts *wire.DialOptions) *wire.Conn {
	t.Helper()
	c, err := wire.Dial(t.Context(), url, alice, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetReceiveDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// The client sends exactly these bytes.
func TestSend(t *testing.T) {
	t.Parallel()
	handle, heard := hear()
	c := dial(t, serve(t, handle), nil)
	for _, tc := range []struct {
		name string
		send func() error
		want string
	}{
		{"announce", func() error { return c.Announce("meadow", nil) },
			`1 {"type":"announce","data":{"peerId":"$A"},"networkName":"meadow"}`},
		{"announce with more", func() error { return c.Announce("", map[string]any{"name": "é", "isHub": true}) },
			`1 {"type":"announce","data":{"isHub":true,"name":"é","peerId":"$A"}}`},
		{"announce with a foreign id", func() error { return c.Announce("n", map[string]any{"peerId": "x"}) },
			`1 {"type":"announce","data":{"peerId":"x"},"networkName":"n"}`},
		{"offer", func() error { return c.Signal(wire.KindOffer, bob, "meadow", json.RawMessage(`{"sdp":"v=0\r\n"}`)) },
			`1 {"type":"offer","data":{"sdp":"v=0\r\n"},"targetPeerId":"$B","networkName":"meadow"}`},
		{"answer without data", func() error { return c.Signal(wire.KindAnswer, bob, "", nil) },
			`1 {"type":"answer","targetPeerId":"$B"}`},
		{"message", func() error {
			return c.Send(wire.Message{Type: "x", FromPeerID: "f", Timestamp: 5, Error: "e", Data: json.RawMessage("null")})
		},
			`1 {"type":"x","data":null,"fromPeerId":"f","timestamp":5,"error":"e"}`},
		{"no JSON", func() error { return c.SendRaw([]byte("not json")) }, `1 not json`},
	} {
		if err := tc.send(); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		want := strings.NewReplacer("$A", string(alice), "$B", string(bob)).Replace(tc.want)
		if got := <-heard; got != want {
			t.Errorf("%s: the hub receives\n     %s\nwant %s", tc.name, got, want)
		}
	}
	for name, err := range map[string]error{
		"wire: send: ":     c.Send(wire.Message{Data: json.RawMessage("{")}),
		"wire: announce: ": c.Announce("n", map[string]any{"f": func() {}}),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("a message that JSON cannot encode: %v, want %s…", err, name)
		}
	}
}

func TestLeave(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"meadow", ""} {
		handle, heard := hear()
		c := dial(t, serve(t, handle), nil)
		before := time.Now().UnixMilli()
		if err := c.Leave(network); err != nil {
			t.Fatal(err)
		}
		_, goodbye, _ := strings.Cut(<-heard, " ")
		env, err := wire.Parse([]byte(goodbye))
		if err != nil || env.Kind != wire.KindGoodbye || string(env.Network) != network || wire.PeerIDOf(env.Data) != alice {
			t.Errorf("Leave(%q) says %s (%v)", network, goodbye, err)
		}
		var data struct{ Timestamp int64 }
		if err := json.Unmarshal(env.Data, &data); err != nil || data.Timestamp < before || data.Timestamp > time.Now().UnixMilli() {
			t.Errorf("Leave(%q) says %s at %d", network, goodbye, before)
		}
		if got, want := <-heard, "websocket: close 1000 (normal): Client disconnect"; got != want {
			t.Errorf("Leave(%q) ends with %s, want %s", network, got, want)
		}
		var closed *wire.CloseError
		if _, err := c.Receive(); !errors.As(err, &closed) || closed.Code != wire.CodeNormal {
			t.Errorf("the hub's half is %v", err)
		}
	}
}

// Any number of goroutines may send while one receives.
func TestSendConcurrently(t *testing.T) {
	t.Parallel()
	const senders, messages = 8, 50
	c := dial(t, serve(t, func(ws *websocket.Conn, _ *http.Request) {
		for { // an echo, with a ping before each
			kind, b, err := ws.ReadMessage()
			if err != nil {
				return
			}
			ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(10*time.Second))
			ws.WriteMessage(kind, b)
		}
	}), nil)
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for n := range messages {
				if err := c.Send(wire.Message{Type: fmt.Sprint(i), Timestamp: int64(n + 1)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	next := make(map[string]int64)
	for range senders * messages {
		m, err := c.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if next[m.Type]++; m.Timestamp != next[m.Type] {
			t.Fatalf("sender %s: message %d came as number %d", m.Type, m.Timestamp, next[m.Type])
		}
	}
	wg.Wait()
}

// A send to a hub that does not read fails after the write timeout.
func TestWriteTimeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	c := dial(t, serve(t, func(*websocket.Conn, *http.Request) { <-release }), &wire.DialOptions{WriteTimeout: 10 * time.Millisecond})
	defer close(release)
	var err error
	for big := make([]byte, 1<<20); err == nil; {
		err = c.SendRaw(big)
	}
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("the hub does not read: %v, want a timeout", err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	handle, heard := hear()
	c := dial(t, serve(t, handle), nil)
	if c.NetConn() == nil || c.NetConn().RemoteAddr() == nil {
		t.Error("NetConn() has no address")
	}
	c.Close()
	c.Close()
	if got, want := <-heard, "websocket: close 1006 (abnormal closure): unexpected EOF"; got != want {
		t.Errorf("Close ends with %s, want no close frame", got)
	}
	if _, err := c.Receive(); err == nil {
		t.Error("Receive after Close returns no error")
	}
	if err := c.SendRaw(nil); err == nil {
		t.Error("SendRaw after Close returns no error")
	}
}
