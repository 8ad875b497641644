// Package main shows the leak test that the author of another hub writes. It belongs to the package
// of that hub, which exports nothing: hub.go and client.go of gorilla/websocket's examples/chat,
// which TestChatHub adds to this folder.
//
// leak_test.go is the whole test: how to start the hub, how a client connects, and what clients do.
// leaks_test.go checks that it finds the leaks that this hub has.
package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/serve"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

func init() {
	heap.RecordAll() // Sites and Timers count every object
	log.SetOutput(io.Discard)
}

func TestChat(t *testing.T) {
	hub := newHub()
	go hub.run()
	target, err := serve.TCP(handler(hub))
	if err != nil {
		t.Fatal(err)
	}
	if v := judge(t, target, hub, harness.Scenario{Name: "leave", Live: leave}, harness.Scenario{Name: "reset", Live: reset}); v.Outcome != verdict.Pass {
		t.Errorf("the verdict is %s", v.Outcome)
	}
}

func handler(h *Hub) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { serveWs(h, w, r) }
}

// connect is one client.
func connect(ctx context.Context, v *harness.Visit) (*websocket.Conn, error) {
	dialer := websocket.Dialer{NetDialContext: v.NetDial}
	conn, _, err := dialer.DialContext(ctx, v.URL()+"/ws", nil)
	return conn, err
}

// leave sends a message, waits until it comes back, and closes with a close frame.
func leave(ctx context.Context, v *harness.Visit) error {
	conn, err := connect(ctx, v)
	if err != nil {
		return err
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte("bye from "+v.Name)); err != nil {
		return err
	}
	if _, _, err := conn.ReadMessage(); err != nil {
		return err
	}
	conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return conn.Close()
		}
	}
}

// reset connects, and its connection breaks.
func reset(ctx context.Context, v *harness.Visit) error {
	conn, err := connect(ctx, v)
	if err != nil {
		return err
	}
	return conn.Close()
}

// judge sends clients through scenarios and returns the verdict.
func judge(t *testing.T, target harness.Target, hub *Hub, scenarios ...harness.Scenario) verdict.Verdict {
	t.Helper()
	campaign := &harness.Campaign{
		Crowd: harness.Crowd{Target: target, Seed: 1, Scenarios: scenarios, AtOnce: 1, Join: func(ctx context.Context, v *harness.Visit) error {
			_, err := connect(ctx, v)
			return err
		}},
		Detectors: []detect.Detector{
			&detect.Descriptors{}, &detect.Goroutines{}, &detect.Unclosed{}, &detect.Sites{}, &detect.Timers{},
			&detect.Census{Roots: map[string]any{"hub": hub}},
		},
		Late: time.Second, // this hub has no janitor
	}
	run, err := campaign.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := verdict.Judge(run)
	if err := report.Text(os.Stdout, v); err != nil {
		t.Fatal(err)
	}
	return v
}
