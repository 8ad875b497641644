package harness_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// forgetful is an http.Handler that greets peers and never removes them.
type forgetful struct {
	open sync.WaitGroup

	mu    sync.Mutex
	peers map[string]bool
}

func (f *forgetful) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	f.open.Add(1)
	defer f.open.Done()
	defer conn.Close()
	f.mu.Lock()
	f.peers[r.URL.Query().Get("peerId")] = true // nothing deletes it
	f.mu.Unlock()
	_ = conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"connected"}`))
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if strings.Contains(string(text), `"ping"`) {
			_ = conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"pong"}`))
		}
	}
}

// A campaign tests an http.Handler: peers come and go in three cycles, and a census counts what the
// handler keeps of them.
func ExampleCampaign() {
	handler := &forgetful{peers: map[string]bool{}}
	server := httptest.NewServer(handler)
	defer server.Close()
	target, err := harness.NewRemote("ws" + strings.TrimPrefix(server.URL, "http"))
	if err != nil {
		fmt.Println(err)
		return
	}
	scenarios := slices.DeleteFunc(harness.Scenarios(), func(s harness.Scenario) bool { return s.Name != "clean" && s.Name != "goodbye" })
	campaign := &harness.Campaign{
		Crowd:     harness.Crowd{Target: target, Scenarios: scenarios, Seed: 1, AtOnce: 4},
		Peers:     func(string) int { return 7 },
		Cycles:    3,
		Detectors: []detect.Detector{&detect.Census{Roots: map[string]any{"handler": handler}, Lock: &handler.mu}},
	}
	run, err := campaign.Run(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	v := verdict.Judge(run)
	fmt.Println(v.Outcome, v.Leaks[0].Field)
	// Output: leak harness_test.forgetful.peers
}
