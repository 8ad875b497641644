package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/serve"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// run never returns: each dropped hub stays, with a goroutine, and with the map and the channels of
// newHub.
func TestDroppedHub(t *testing.T) {
	idle := newHub()
	target := serve.Pipes(http.NotFoundHandler())
	v := judge(t, target, idle, harness.Scenario{Name: "drop the hub", Live: func(ctx context.Context, v *harness.Visit) error {
		h := newHub()
		go h.run()
		other := serve.Pipes(handler(h))
		err := leave(ctx, &harness.Visit{Peer: v.At(other, "client", v.ID)})
		other.Stop(ctx)
		return err
	}})
	wantLeak(t, v, "goroutines", ".TestDroppedHub.func1", ".(*Hub).run")
	wantLeak(t, v, "sites", ".newHub", "hub.go")
}

// http.Server.Close does not close hijacked connections: each client stays, with two goroutines, a
// ticker and a queue for 256 messages, until it leaves. A client that answers pings may stay for days.
func TestClosedServer(t *testing.T) {
	h := newHub()
	go h.run()
	var conns []*websocket.Conn
	v := judge(t, serve.Pipes(handler(h)), h, harness.Scenario{Name: "close the server", Live: func(ctx context.Context, v *harness.Visit) error {
		s := serve.Pipes(handler(h))
		conn, err := connect(ctx, &harness.Visit{Peer: harness.NewPeer(s, v.Name, v.ID)})
		conns = append(conns, conn)
		s.Stop(ctx)
		return err
	}})
	wantLeak(t, v, "goroutines", ".serveWs", ".(*Client).readPump")
	wantLeak(t, v, "goroutines", ".serveWs", ".(*Client).writePump")
	wantLeak(t, v, "timers", ".(*Client).writePump", "client.go")
	wantLeak(t, v, "census", "", "clients")
	wantLeak(t, v, "sites", ".serveWs", "client.go")
	for _, conn := range conns {
		conn.Close()
	}
}

// wantLeak checks that a detector found one thing of each client, born in a function of that name,
// with a word in the detail.
func wantLeak(t *testing.T, v verdict.Verdict, detector, born, word string) {
	t.Helper()
	for _, l := range v.Leaks {
		for _, e := range l.Evidence {
			says := e.Detail + e.Field + e.Born.File
			if e.Detector == detector && e.Count == l.Peers && strings.HasSuffix(e.Born.Function, born) && strings.Contains(says, word) {
				return
			}
		}
	}
	t.Errorf("%s: no finding of one a client, born in %s, that names %s", detector, born, word)
}

// A client that goes away by itself is no leak, but a cost: it holds two goroutines, and all that they
// refer to, for a time that a bubble measures to the second.
func TestHeldFor(t *testing.T) {
	for _, tt := range []struct {
		name string
		want time.Duration
		live func(context.Context, *harness.Visit) error
	}{
		{"leaves", 0, leave},
		{"vanishes", pongWait, vanish},
		{"does not read", writeWait, deaf},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { heldFor(t, tt.want, tt.live) })
		})
	}
}

func vanish(ctx context.Context, v *harness.Visit) error {
	_, err := connect(ctx, v)
	return err
}

// deaf is a client that never reads the messages of another one.
func deaf(ctx context.Context, v *harness.Visit) error {
	if err := vanish(ctx, v); err != nil {
		return err
	}
	other, err := connect(ctx, v)
	if err != nil {
		return err
	}
	go io.Copy(io.Discard, other.NetConn())
	for range 300 { // more than its queue holds
		if err := other.WriteMessage(websocket.TextMessage, []byte("x")); err != nil {
			return err
		}
		synctest.Wait() // the sender receives them, too; the hub drops a client that does not keep up
	}
	return other.Close()
}

func heldFor(t *testing.T, want time.Duration, live func(context.Context, *harness.Visit) error) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	h := newHub()
	defer kill(h)
	go mortal(h)
	target := serve.Pipes(handler(h))
	defer target.Stop(ctx)
	synctest.Wait()
	goroutines := &detect.Goroutines{}
	if err := goroutines.Baseline(ctx, detect.NewReading(0)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := live(ctx, &harness.Visit{Peer: harness.NewPeer(target, "client", "")}); err != nil {
		t.Fatal(err)
	}
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
