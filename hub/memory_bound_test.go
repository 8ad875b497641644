package hub_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// liveHeap returns the bytes of live heap, and of all that was ever allocated.
func liveHeap() (live, total int64) {
	runtime.GC()
	runtime.GC() // what the pools held is gone after the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), int64(m.TotalAlloc)
}

// stall connects n peers that announce into a network and then do not read.
func (w *world) stall(n int, network string) []*peer {
	w.Helper()
	peers := make([]*peer, n)
	for i := range peers {
		peers[i] = w.connect(fmt.Sprint("stalled ", i), "")
		if err := peers[i].Announce(network, nil); err != nil {
			w.Fatal(err)
		}
	}
	return peers
}

// The memory of a queue is its bytes, within a quarter: it does not grow by copies of
// itself, each larger than the one before.
func TestQueueCostsWhatItHolds(t *testing.T) {
	const bound, message = 8 << 20, 32 << 10
	w := newPipeWorld(t, hub.Config{QueueBytes: bound, MessageRate: -1, Memory: hub.MemoryConfig{Interval: -1}})
	alice, stalled := w.join("alice", "n"), w.stall(1, "n")[0]
	alice.want("peer-discovered")
	data := offerOf(message)
	_, before := liveHeap()
	sent := int64(0)
	for w.hub.Stats().QueuedBytes < bound-2*message {
		alice.Signal(wire.KindOffer, stalled.ID(), "n", data)
		alice.fence()
		sent += message
	}
	live, after := liveHeap()
	queued := w.hub.Stats().QueuedBytes
	t.Logf("%d bytes were sent, %d are counted, %d were allocated, live heap %d", sent, queued, after-before, live)
	if queued > sent+sent/4 {
		t.Errorf("%d bytes wait and hold %d", sent, queued)
	}
	if raceDetector {
		return // there a pool throws away at random
	}
	// The peers here allocate for each message: twice its size to send it, and the hub
	// reads it into a buffer that it grows.
	if took := after - before - 4*sent; took > bound+bound/4 {
		t.Errorf("%d bytes were allocated for a queue of %d", took, sent)
	}
}

// What many receivers are to get is held once.
func TestNoticeIsHeldOnce(t *testing.T) {
	const stalled, announcers, extra = 200, 40, 7 << 10
	w := newPipeWorld(t, hub.Config{AnnounceRate: -1, MessageRate: -1, Memory: hub.MemoryConfig{Interval: -1}})
	w.stall(stalled, "n")
	before, _ := liveHeap()
	for i := range announcers {
		p := w.connect(fmt.Sprint("announcer ", i), "")
		p.raw(`{"type":"announce","networkName":"n","data":{"extra":"` + strings.Repeat("x", extra) + `"}}`)
		p.fence()
	}
	after, _ := liveHeap()
	st := w.hub.Stats()
	t.Logf("live heap grew by %d, queued %d", after-before, st.QueuedBytes)
	const most = 8 << 20 // a copy each were stalled * announcers * extra = 57 MB
	if after-before > most || st.QueuedBytes > most {
		t.Errorf("the live heap grew by %d and %d are counted, want at most %d", after-before, st.QueuedBytes, most)
	}
}

// Memory is taken once there is room for it in the bound on all queues, by however
// many peers at once.
func TestTotalIsCheckedBeforeMemoryIsTaken(t *testing.T) {
	const total, stalled, senders, message = 4 << 20, 64, 8, 60 << 10
	w := newPipeWorld(t, hub.Config{QueueBytesTotal: total, MessageRate: -1, Memory: hub.MemoryConfig{Interval: -1}})
	targets := w.stall(stalled, "n")
	var most int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range senders {
		p := w.connect(fmt.Sprint("sender ", i), "")
		p.raw(`{"type":"announce","networkName":"n"}`)
		p.fence()
		wg.Go(func() {
			data := offerOf(message)
			for j := range 4 * stalled {
				p.Signal(wire.KindOffer, targets[(i*8+j)%stalled].ID(), "n", data)
				if j%8 == 0 {
					p.fence()
				}
				queued := w.hub.Stats().QueuedBytes
				mu.Lock()
				most = max(most, queued)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("at most %d bytes were held", most)
	w.settle(func(st hub.Stats) string {
		if st.Ended["slow_consumer"] == 0 {
			return "no peer was cut"
		}
		return ""
	})
	if most > total+senders*message { // a message each may be under way
		t.Errorf("%d bytes were held, the bound is %d", most, total)
	}
}

// The announce data that members hold is bounded: above the bound a peer is introduced
// without it.
func TestAnnounceDataIsBounded(t *testing.T) {
	t.Parallel()
	const total, peers, extra = 1 << 20, 100, 7 << 10
	w := newWorld(t, hub.Config{QueueBytesTotal: total, Memory: hub.MemoryConfig{Interval: -1}})
	for i := range peers {
		p := w.connect(fmt.Sprint("peer ", i), "")
		p.raw(fmt.Sprintf(`{"type":"announce","networkName":"n%d","data":{"extra":"%s"}}`, i%50, strings.Repeat("x", extra)))
		p.fence()
	}
	st := w.hub.Stats()
	if st.AnnouncedBytes > total/2+peers*512 || st.AnnouncedBytes < total/4 {
		t.Errorf("%d bytes are held, the bound is %d", st.AnnouncedBytes, total/2)
	}
	if st.Announced != peers || st.Dropped["announce_data"] == 0 {
		t.Errorf("%d of %d are announced, %d without their data", st.Announced, peers, st.Dropped["announce_data"])
	}
}
