package hub

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// The hub keeps one hour of moments, two a minute, and no more.
func TestHistoryIsAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := memoryHub(t, MemoryConfig{})
		defer h.Close()
		if got := h.History(); len(got) != 0 {
			t.Errorf("%d moments at first", len(got))
		}
		time.Sleep(10*time.Minute + time.Second)
		if got := h.History(); len(got) != 20 || time.Since(got[0].At) < 9*time.Minute {
			t.Errorf("%d moments after ten minutes, want 20", len(got))
		}
		time.Sleep(2 * time.Hour)
		got := h.History()
		if len(got) != 121 {
			t.Fatalf("%d moments after two hours, want 121", len(got))
		}
		if span := got[120].At.Sub(got[0].At); span != time.Hour {
			t.Errorf("they span %v, want an hour", span)
		}
		for i := range got[1:] {
			if step := got[i+1].At.Sub(got[i].At); step != 30*time.Second {
				t.Errorf("moment %d comes %v after the one before", i+1, step)
			}
		}
		if m := got[120]; m.Goroutines == 0 || m.RSS == 0 || m.RelayMedian != 0 || m.Refused+m.Cut != 0 {
			t.Errorf("the last is %+v", m)
		}
	})
}

// A moment has the counts so far, and the latency since the moment before.
func TestHistoryCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := memoryHub(t, MemoryConfig{})
		defer h.Close()
		time.Sleep(45 * time.Second)
		h.counters.relayed.Add(7)
		h.counters.refused[RefuseOrigin].Add(3)
		h.counters.ended[wire.ReasonCapacity].Add(2)
		h.counters.ended[wire.ReasonSlowConsumer].Add(1)
		h.counters.ended[wire.ReasonGoodbye].Add(50)
		for range 60 {
			h.times.relay.observe(80 * time.Microsecond)
		}
		h.times.relay.observe(time.Minute)
		time.Sleep(time.Minute)
		got := h.History()
		if len(got) != 4 {
			t.Fatalf("%d moments", len(got))
		}
		if before := got[1]; before.Relayed != 0 || before.RelayP99 != 0 {
			t.Errorf("the moment before is %+v", before)
		}
		if m := got[2]; m.Relayed != 7 || m.Refused != 5 || m.Cut != 1 || m.RelayMedian != 100*time.Microsecond || m.RelayP99 != 10*time.Second {
			t.Errorf("the moment is %+v", m)
		}
		if m := got[3]; m.Relayed != 7 || m.RelayMedian != 0 {
			t.Errorf("the moment after is %+v", m)
		}
	})
}
