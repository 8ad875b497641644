package hub

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestLatencyBuckets(t *testing.T) {
	t.Parallel()
	var l latency
	for _, d := range []time.Duration{0, 50 * time.Microsecond, 51 * time.Microsecond, time.Second, 10 * time.Second, time.Minute} {
		l.observe(d)
	}
	h := l.stats()
	got := map[float64]uint64{}
	for i, bound := range h.Bounds {
		got[bound] = h.Counts[i]
	}
	if got[50e-6] != 2 || got[100e-6] != 1 || got[1] != 1 || got[10] != 1 || h.Counts[len(h.Bounds)] != 1 {
		t.Errorf("got %v and %d above", got, h.Counts[len(h.Bounds)])
	}
	if !slices.IsSorted(h.Bounds) || h.Sum < 71 || h.Sum > 71.001 {
		t.Errorf("the bounds are %v, the sum is %v, want 71", h.Bounds, h.Sum)
	}
}

// A message is measured until its last byte is written. One that is dropped is not.
func TestRelayedMessageIsTimed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &Hub{started: time.Now(), times: new(times)}
		s := &session{hub: h}
		queue := func() {
			s.position += 100
			s.bytes += 100
			s.timeLast(time.Now().Add(-time.Second))
			time.Sleep(time.Second)
		}
		write := func(n int) {
			if s.bytes -= n; s.timed.end > 0 {
				s.endTimedLocked()
			}
		}
		s.timeLast(time.Now())
		if s.timed.end != 0 {
			t.Error("a message that is written already is measured")
		}
		queue()
		queue() // behind the one that is measured
		if write(99); s.timed.end != 100 {
			t.Error("the measurement ended before the message did")
		}
		write(1)
		if relay, wait := h.times.relay.stats(), h.times.queue.stats(); relay.Sum != 3 || wait.Sum != 2 {
			t.Errorf("relay %vs and wait %vs, want 3s and 2s", relay.Sum, wait.Sum)
		}
		write(100)
		queue()
		s.overfull = true
		write(100)
		if relay := h.times.relay.stats(); relay.Sum != 3 || s.timed.end != 0 {
			t.Errorf("a message that was dropped counts: %v", relay)
		}
	})
}
