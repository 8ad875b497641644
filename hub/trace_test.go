package hub_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestTraceSeesEverySessionBeginAndEnd(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	open := map[any]wire.PeerID{}
	ended := map[wire.CloseReason]int{}
	w := newWorld(t, hub.Config{Trace: &hub.Trace{
		SessionBegin: func(s hub.SessionTrace) {
			mu.Lock()
			defer mu.Unlock()
			open[s.Object] = s.PeerID
		},
		SessionEnd: func(s hub.SessionTrace, why wire.CloseReason) {
			mu.Lock()
			defer mu.Unlock()
			if open[s.Object] != s.PeerID || s.Conn == nil {
				t.Errorf("the end of a session that did not begin: %+v", s)
			}
			delete(open, s.Object)
			ended[why]++
		},
	}})
	alice := w.join("alice", "n")
	bad, err := w.dial("bad", "no id")
	if err != nil {
		t.Fatal(err)
	}
	bad.wantClose(1008, "Invalid peerId format")
	alice.Leave("n")
	alice.wantClose(1000, "goodbye")
	w.settle(func(st hub.Stats) string {
		mu.Lock()
		defer mu.Unlock()
		if len(open) > 0 || ended[wire.ReasonGoodbye] != 1 || ended[wire.ReasonInvalidPeerID] != 1 {
			return fmt.Sprint(open, ended)
		}
		return ""
	})
}

func TestPanicEndsOneSession(t *testing.T) {
	t.Parallel()
	bad := wire.NewPeerID()
	w := newWorld(t, hub.Config{Trace: &hub.Trace{SessionBegin: func(s hub.SessionTrace) {
		if s.PeerID == bad {
			panic("planted")
		}
	}}})
	alice := w.join("alice", "n")
	p, err := w.dial("bad", bad)
	if err != nil {
		t.Fatal(err)
	}
	p.wantClose(1011, "internal_error")
	alice.fence()
	w.settle(func(st hub.Stats) string {
		if st.Panics != 1 || st.Ended["internal_error"] != 1 || st.Peers != 1 {
			return fmt.Sprintf("panics %d, ended %d, peers %d; want 1 of each", st.Panics, st.Ended["internal_error"], st.Peers)
		}
		return ""
	})
}
