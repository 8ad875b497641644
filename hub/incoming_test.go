package hub_test

import (
	"fmt"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// sendHalf begins a message and leaves its end out.
func (p *peer) sendHalf(n int) {
	p.w.Helper()
	p.swallow()
	p.frames(append(hostile.Header(hostile.Final|hostile.Text, 1<<20), make([]byte, n)...))
}

// Half-sent messages fill what all may read. Whoever says anything then must not be
// cut for it, but the ones that hold most.
func TestHoardersAreCutNotTheHonest(t *testing.T) {
	t.Parallel()
	const limit, hoarders, honest = 4 << 20, 60, 40
	w := newWorld(t, hub.Config{ReadBytesTotal: limit, MessageRate: -1})
	var peers []*peer
	for i := range honest {
		p := w.connect(fmt.Sprint("honest ", i), "")
		p.raw(`{"type":"cleanup","data":` + string(offerOf(60<<10)) + `}`) // leaves a large buffer in the pool, if there is one
		p.fence()
		peers = append(peers, p)
	}
	for i := range hoarders {
		w.connect(fmt.Sprint("hoarder ", i), "").sendHalf(100 << 10)
	}
	w.settle(func(st hub.Stats) string {
		if st.ReadingBytes < limit*3/4 {
			return fmt.Sprintf("%d bytes are being read", st.ReadingBytes)
		}
		return ""
	})
	for _, p := range peers {
		p.raw(`{"type":"cleanup","data":` + string(offerOf(60<<10)) + `}`) // below 64 KiB
		p.fence()
	}
	w.settle(func(st hub.Stats) string {
		if st.ReadingBytes > limit || st.Sessions < honest {
			return fmt.Sprintf("%d bytes are being read, %d sessions", st.ReadingBytes, st.Sessions)
		}
		return ""
	})
}

// The memory of messages being read is what was received, within a quarter, and not
// more than the bound.
func TestHalfSentMessagesCostTheirBound(t *testing.T) {
	const limit, senders, half = 16 << 20, 40, 300 << 10
	w := newWorld(t, hub.Config{ReadBytesTotal: limit, Memory: hub.MemoryConfig{Interval: -1}})
	var peers []*peer
	for i := range senders {
		peers = append(peers, w.connect(fmt.Sprint("sender ", i), ""))
	}
	before, totalBefore := liveHeap()
	for _, p := range peers {
		p.sendHalf(half)
	}
	w.settle(func(st hub.Stats) string {
		if st.ReadingBytes < senders*half-senders*(8<<10) {
			return fmt.Sprintf("%d bytes are being read", st.ReadingBytes)
		}
		return ""
	})
	after, totalAfter := liveHeap()
	reading := w.hub.Stats().ReadingBytes
	t.Logf("%d bytes were sent, %d are counted, the live heap grew by %d, %d were allocated", senders*half, reading, after-before, totalAfter-totalBefore)
	// The tests' peers allocate each message once.
	if grew := after - before; grew > senders*half*5/4 {
		t.Errorf("the live heap grew by %d for %d bytes", grew, senders*half)
	}
	if took := totalAfter - totalBefore - senders*half; !raceDetector && took > senders*half*3/2 {
		t.Errorf("%d bytes were allocated for %d", took, senders*half)
	}
}
