package hub_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// flood sends offers of 16 KiB to a target that does not read, until the hub has
// ended so many sessions as slow consumers.
func flood(w *world, from *peer, target wire.PeerID, network string, want uint64) {
	w.Helper()
	payload := []byte(`"` + strings.Repeat("x", 16<<10) + `"`)
	deadline := time.Now().Add(20 * time.Second)
	for w.hub.Stats().Ended["slow_consumer"] < want {
		if time.Now().After(deadline) {
			w.Fatalf("not cut: %+v", w.hub.Stats())
		}
		if err := from.Signal(wire.KindOffer, target, network, payload); err != nil {
			w.Fatal(err)
		}
	}
}

func TestSlowConsumerIsCutAtItsLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{QueueBytes: 256 << 10, MessageRate: -1, AnnounceRate: -1})
	stalled, bob := w.join("stalled", "n"), w.join("bob", "n")
	flood(w, bob, stalled.ID(), "n", 1)
	if m := bob.want("peer-disconnected"); subject(m) != stalled.ID() {
		t.Errorf("bob heard of the end of %s", subject(m))
	}
	w.settle(func(st hub.Stats) string {
		if st.QueuedBytes != 0 || st.Sessions != 1 {
			return fmt.Sprintf("%d bytes queued in %d sessions", st.QueuedBytes, st.Sessions)
		}
		return ""
	})
}

// The bound on all queues cuts a peer with more than an equal share, not the peer that the next
// message is for.
func TestTotalQueueBoundCutsTheHog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{QueueBytes: 64 << 20, QueueBytesTotal: 512 << 10, MessageRate: -1})
	hog, bob, carol := w.join("hog", "n"), w.join("bob", "n"), w.join("carol", "n")
	flood(w, bob, hog.ID(), "n", 1)
	bob.Signal(wire.KindOffer, carol.ID(), "n", []byte(`1`))
	carol.want("offer")
	if got := w.hub.Stats().Ended["slow_consumer"]; got != 1 {
		t.Errorf("%d sessions were cut, want the hog alone", got)
	}
}

func TestLargeMessagesArriveWholeAndInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MessageRate: -1})
	alice, bob := w.join("alice", "n"), w.join("bob", "n")
	alice.fence()
	sizes := []int{0, 1, 100, 125, 126, 127, 65_000, 65_535, 65_536, 1_000_000, 5}
	go func() {
		for i, n := range sizes {
			alice.Signal(wire.KindOffer, bob.ID(), "n", fmt.Appendf(nil, `[%d,"%s"]`, i, strings.Repeat("y", n)))
		}
	}()
	for i, n := range sizes {
		if m, want := bob.want("offer"), fmt.Appendf(nil, `[%d,"%s"]`, i, strings.Repeat("y", n)); !bytes.Equal(m.Data, want) {
			t.Fatalf("message %d: got %d bytes, want %d", i, len(m.Data), len(want))
		}
	}
}
