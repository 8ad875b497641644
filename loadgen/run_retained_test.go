package loadgen

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// echo is an echo server that counts its peers on /health, and the handshakes it refused as
// peers up to a bound.
type echo struct {
	most           int64
	peers, refused atomic.Int64
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/health" {
		fmt.Fprintf(w, `{"peers":%d}`, e.peers.Load()+min(e.most, e.refused.Load()))
		return
	}
	ws, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		e.refused.Add(1)
		return
	}
	defer ws.Close()
	e.peers.Add(1)
	defer e.peers.Add(-1)
	for {
		kind, message, err := ws.ReadMessage()
		if err != nil || ws.WriteMessage(kind, message) != nil {
			return
		}
	}
}

// What a rough phase leaves behind is a finding with its name, unless it fills to a bound.
func TestRoughIsRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		most int64
		want int
	}{"nothing": {0, 0}, "bounded": {2, 0}, "each": {1 << 40, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(&echo{most: tt.most})
			t.Cleanup(server.Close)
			p := quickCheck(t, 43)
			p.Text = &codec.Text{}
			r, err := newRunner(Config{URL: strings.Replace(server.URL, "http", "ws", 1), Plan: p, waits: impatient})
			if err != nil {
				t.Fatal(err)
			}
			r.target = discover(t.Context(), r.cfg)
			handshakes := plan.Phase{Profile: "hostile", Peers: 2, Params: map[string]string{"only": "handshake: no", "react": "20ms", "patience": "15s", "slow": "10s"}}
			if err := r.rough(t.Context(), newPhaseRun(r, 0), []plan.Phase{handshakes}); err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, f := range r.run.Failures {
				if f.About == "health.peers" && f.Aside && strings.HasPrefix(f.What, "hostile: ") {
					found = append(found, f.What)
				}
			}
			if len(found) != tt.want {
				t.Errorf("failures %v, doubts %v", r.run.Failures, r.run.Doubts)
			}
		})
	}
}
