package hub_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
)

// W14, G7: the reference never looks whether a connection still lives.
func TestW14HalfOpenPeerFoundWithin45s(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, hub.Config{})
		w.join("alice", "n") // reads no more: pings stay unanswered
		began := time.Now()
		w.settleWithin(45*time.Second, func(st hub.Stats) string {
			if st.Sessions > 0 {
				return "alice is still here"
			}
			return ""
		})
		if took := time.Since(began); took < 15*time.Second {
			t.Errorf("cut after %v: a peer may be silent that long", took)
		}
	})
}
