package latency

import (
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// The quantiles of a window leave out the times before it.
func TestWindow(t *testing.T) {
	t.Parallel()
	rec, w, now := NewRecorder(), Window{}, time.Now()
	if total, recent := w.Advance(rec, HopPing); total != 0 || recent != (Brief{}) {
		t.Errorf("a window without times has %d, %+v", total, recent)
	}
	for i, want := range []time.Duration{100 * time.Millisecond, 2 * time.Millisecond} {
		for range 50 {
			rec.AddUntil(HopPing, schedule.At(now), now.Add(want))
		}
		total, recent := w.Advance(rec, HopPing)
		if total != int64(50*(i+1)) || recent.Count != 50 || (recent.P50-want).Abs() > 100*time.Microsecond {
			t.Errorf("window %d: %d in all, %+v, want a median of %s", i, total, recent, want)
		}
	}
	if total, recent := w.Advance(rec, HopPing); total != 100 || recent != (Brief{}) {
		t.Errorf("a window without new times has %d, %+v", total, recent)
	}
}
