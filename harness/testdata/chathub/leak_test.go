// Package main shows the leak test that the author of another hub writes. It belongs to the package
// of that hub, which exports nothing: hub.go and client.go of gorilla/websocket's examples/chat,
// which TestChatHub adds to this folder.
//
// A test needs functions that start the hub (start, listen) and a client of its protocol (connect),
// forty lines together; package harness has peers for the protocol of PeerPigeon. It needs scenarios,
// and for each a call of judge, which is the same for all hubs. The rest checks the leaks of this hub
// and explains them.
package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

func init() {
	heap.RecordAll() // Sites and Timers count every object
	log.SetOutput(io.Discard)
}

// chat is a running hub.
type chat struct {
	hub    *Hub
	server *http.Server
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
}

// start starts a hub as main does.
func start(t *testing.T) *chat {
	t.Helper()
	c := &chat{hub: newHub()}
	go c.hub.run()
	c.listen(t)
	return c
}

// listen serves the hub on a new port.
func (c *chat) listen(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.serve(ln, func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", ln.Addr().String())
	})
}

func (c *chat) serve(ln net.Listener, dial func(ctx context.Context, network, addr string) (net.Conn, error)) {
	c.dial = dial
	c.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serveWs(c.hub, w, r) })}
	go c.server.Serve(ln)
}

// connect is one client.
func (c *chat) connect(t *testing.T) *websocket.Conn {
	t.Helper()
	dialer := websocket.Dialer{NetDialContext: c.dial}
	conn, _, err := dialer.DialContext(t.Context(), "ws://chat/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// leave sends a message, receives it, and closes with a close frame.
func leave(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte("bye")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			conn.Close()
			return
		}
	}
}

// judge sends three doses of clients through a scenario and returns the verdict.
func judge(t *testing.T, scenario string, root *Hub, live func(), more ...detect.Detector) verdict.Verdict {
	t.Helper()
	detectors := detect.Detectors{
		&detect.Descriptors{}, &detect.Goroutines{}, &detect.Unclosed{},
		&detect.Sites{Ignore: ofTheTest}, &detect.Timers{Ignore: ofTheTest},
	}
	if root != nil {
		detectors = append(detectors, &detect.Census{Roots: map[string]any{"hub": root}})
	}
	detectors = append(detectors, more...)
	run := verdict.Run{Name: "chat", Target: "gorilla/websocket examples/chat", Start: time.Now(), Scenarios: []verdict.Scenario{{Name: scenario}}}
	for _, d := range detectors {
		run.Detectors = append(run.Detectors, verdict.Detector{Name: d.Name(), State: verdict.Ready})
	}
	for range 107 { // warm-up to the same peak
		live()
	}
	if err := detectors.Baseline(t.Context(), detect.NewReading(0)); err != nil {
		t.Fatal(err)
	}
	for _, dose := range []int64{101, 103, 107} {
		for range dose {
			live()
		}
		if err := detectors.Cycle(t.Context(), detect.NewReading(dose)); err != nil {
			t.Fatal(err)
		}
		run.Cycles = append(run.Cycles, verdict.Cycle{Doses: map[string]int64{scenario: dose}})
		run.Lives += dose
	}
	run.Scenarios[0].Planned, run.Scenarios[0].Landed = run.Lives, run.Lives
	var err error
	if run.Findings, err = detectors.Findings(t.Context()); err != nil {
		t.Fatal(err)
	}
	run.Duration = time.Since(run.Start)
	v := verdict.Judge(run)
	if err := report.Text(os.Stdout, v); err != nil {
		t.Fatal(err)
	}
	return v
}

// ofTheTest reports whether an object belongs to the clients of a scenario, because it was allocated
// below connect.
func ofTheTest(stack []verdict.Site) bool {
	for _, s := range stack {
		if strings.HasSuffix(s.Function, ".(*chat).connect") {
			return true
		}
	}
	return false
}

// Clients that connect, send a message and leave are no leak.
func TestLeave(t *testing.T) {
	c := start(t)
	v := judge(t, "leave", c.hub, func() { leave(t, c.connect(t)) })
	if v.Outcome != verdict.Pass {
		t.Errorf("the verdict is %s", v.Outcome)
	}
}

// run never returns: each dropped hub stays, with a goroutine, and with the map and the channels of
// newHub.
func TestDroppedHub(t *testing.T) {
	hubs := detect.NewWatch()
	v := judge(t, "drop the hub", nil, func() {
		c := start(t)
		if err := hubs.Add(c.hub, "drop the hub"); err != nil {
			t.Fatal(err)
		}
		leave(t, c.connect(t))
		c.server.Close()
	}, hubs)
	wantLeak(t, v, "watch", 1, ".func1", "")
	wantLeak(t, v, "goroutines", 1, ".start", ".(*Hub).run")
	wantLeak(t, v, "sites", 1, ".newHub", "hub.go")
}

// http.Server.Close does not close hijacked connections: each client stays, with two goroutines, a
// ticker and a queue for 256 messages, until it leaves. A client that answers pings may stay for days.
func TestClosedServer(t *testing.T) {
	var conns []*websocket.Conn
	c := start(t)
	v := judge(t, "close the server", c.hub, func() {
		conns = append(conns, c.connect(t))
		c.server.Close()
		c.listen(t)
	})
	wantLeak(t, v, "descriptors", 2, "", "ESTABLISHED") // the other ends belong to the test
	wantLeak(t, v, "goroutines", 1, ".serveWs", ".(*Client).readPump")
	wantLeak(t, v, "goroutines", 1, ".serveWs", ".(*Client).writePump")
	wantLeak(t, v, "timers", 1, ".(*Client).writePump", "client.go")
	wantLeak(t, v, "census", 1, "", "clients")
	wantLeak(t, v, "sites", 1, ".serveWs", "client.go")
	for _, conn := range conns {
		conn.Close()
	}
}

// wantLeak checks that a detector found perPeer things of each client, born in a function of that
// name, with a word in the detail.
func wantLeak(t *testing.T, v verdict.Verdict, detector string, perPeer int64, born, word string) {
	t.Helper()
	for _, l := range v.Leaks {
		for _, e := range l.Evidence {
			says := e.Detail + e.Field + e.Born.File
			if e.Detector == detector && e.Count == perPeer*v.Run.Lives && strings.HasSuffix(e.Born.Function, born) && strings.Contains(says, word) {
				return
			}
		}
	}
	t.Errorf("%s: no finding of %d a client, born in %s, that names %s", detector, perPeer, born, word)
}

// A client that goes away by itself is no leak, but a cost: it holds two goroutines, and all that they
// refer to, for a time that a bubble measures to the second.
func TestHeldFor(t *testing.T) {
	for _, tt := range []struct {
		name string
		want time.Duration
		live func(t *testing.T, c *chat)
	}{
		{"leaves", 0, func(t *testing.T, c *chat) { leave(t, c.connect(t)) }},
		{"vanishes", pongWait, func(t *testing.T, c *chat) { c.connect(t) }},
		{"does not read", writeWait, deaf},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { heldFor(t, tt.want, tt.live) })
		})
	}
}

// deaf is a client that never reads the messages of another one.
func deaf(t *testing.T, c *chat) {
	c.connect(t)
	other := c.connect(t)
	go io.Copy(io.Discard, other.NetConn())
	for range 300 { // more than its queue holds
		if err := other.WriteMessage(websocket.TextMessage, []byte("x")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the sender receives them, too; the hub drops a client that does not keep up
	}
	other.Close()
}

func heldFor(t *testing.T, want time.Duration, live func(t *testing.T, c *chat)) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	pipes := harness.ListenPipes()
	c := &chat{hub: newHub()}
	defer kill(c.hub)
	go mortal(c.hub)
	c.serve(pipes, pipes.DialContext)
	defer c.server.Close()
	synctest.Wait()
	goroutines := &detect.Goroutines{}
	if err := goroutines.Baseline(ctx, detect.NewReading(0)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	live(t, c)
	if err := settle.Until(ctx, goroutines.Quiet); err != nil {
		t.Error(err)
	}
	if held := time.Since(began).Round(time.Second); held != want {
		t.Errorf("held for %v, want %v", held, want)
	}
}

// mortal runs a hub that kill can end. run itself never returns, and a bubble ends only when all its
// goroutines have ended.
func mortal(h *Hub) {
	defer func() { _ = recover() }()
	h.run()
}

// kill ends a hub with a nil client.
func kill(h *Hub) {
	h.register <- nil
	h.broadcast <- nil
}
