package loadgen

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// A target that answers slowly makes actions late, and the latency has the wait in it:
// the second of two actions at once waits for the first, although itself it is quick.
func TestLatencyCountsFromTheIntendedTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := latency.NewRecorder()
		a := schedule.New(1, r.AddSlip)
		start := time.Now()
		a.AddPaced(schedule.Pace{Start: start, Rate: 10, Seed: 1}, 50, func(_ context.Context, i int, tick schedule.Tick) {
			if i == 10 {
				time.Sleep(2 * time.Second) // the target hangs once
			}
			r.Add(latency.HopConnect, tick)
		})
		a.Run(t.Context())
		times := r.Snapshot()
		connect := times.Hops[latency.HopConnect]
		if connect.Latency.Count() != 50 || times.Slip.Count() != 50 {
			t.Fatalf("%d and %d were counted", connect.Latency.Count(), times.Slip.Count())
		}
		if got := connect.Service.Quantile(.9); got != 0 {
			t.Errorf("service p90 is %s: all but one are quick", got)
		}
		if got := connect.Latency.Quantile(.7); got < 400*time.Millisecond {
			t.Errorf("latency p70 is %s: the wait of those behind is left out", got)
		}
		if timing := report.TimingOf(times.Slip); timing.Outcome != "inconclusive" {
			t.Errorf("timing is %+v, want saturated", timing)
		}
	})
}
