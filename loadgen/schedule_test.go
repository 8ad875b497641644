package loadgen

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Each action has its slot, and the seed alone says where in it.
func TestPace(t *testing.T) {
	t.Parallel()
	start := time.Unix(0, 0)
	p, same, other := pace{start, 100, 1}, pace{start, 100, 1}, pace{start, 100, 2}
	differ := 0
	for i := range 1000 {
		at := p.at(i)
		slot := time.Duration(i) * 10 * time.Millisecond
		if d := at.Sub(start); d < slot || d >= slot+10*time.Millisecond {
			t.Fatalf("action %d is due after %s, outside of its slot", i, d)
		}
		if !at.Equal(same.at(i)) {
			t.Fatal("the same seed gave another time")
		}
		if !at.Equal(other.at(i)) {
			differ++
		}
	}
	if differ < 990 {
		t.Errorf("another seed gave other times for %d of 1000 only", differ)
	}
}

func TestAgendaRunsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var worst atomic.Int64
		a := newAgenda(4, func(d time.Duration) { worst.Store(max(worst.Load(), int64(d))) })
		start := time.Now()
		got := make(chan time.Duration, 100)
		for _, after := range []time.Duration{3 * time.Second, time.Second, 2 * time.Second} {
			a.add(start.Add(after), func(_ context.Context, tick Tick) {
				got <- tick.Start.Sub(start)
				if after == time.Second { // an action may add others, of before its end
					a.add(start.Add(1500*time.Millisecond), func(_ context.Context, tick Tick) { got <- tick.Start.Sub(start) })
				}
			})
		}
		a.run(t.Context())
		close(got)
		want := []time.Duration{time.Second, 1500 * time.Millisecond, 2 * time.Second, 3 * time.Second}
		if list := slices.Collect(received(got)); !slices.Equal(list, want) {
			t.Errorf("actions began after %v, want %v", list, want)
		}
		if worst.Load() != 0 {
			t.Errorf("one was %s late", time.Duration(worst.Load()))
		}
	})
}

func received[T any](c <-chan T) func(func(T) bool) {
	return func(yield func(T) bool) {
		for v := range c {
			if !yield(v) {
				return
			}
		}
	}
}

// A target that answers slowly makes actions late, and the latency has the wait in it:
// the second of two actions at once waits for the first, although itself it is quick.
func TestLatencyCountsFromTheIntendedTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := NewRecorder()
		a := newAgenda(1, r.AddSlip)
		start := time.Now()
		a.paced(pace{start, 10, 1}, 50, func(_ context.Context, i int, tick Tick) {
			if i == 10 {
				time.Sleep(2 * time.Second) // the target hangs once
			}
			r.Add(HopConnect, tick)
		})
		a.run(t.Context())
		times := r.Snapshot()
		connect := times.Hops[HopConnect]
		if connect.Latency.Count() != 50 || times.Slip.Count() != 50 {
			t.Fatalf("%d and %d were counted", connect.Latency.Count(), times.Slip.Count())
		}
		if got := connect.Service.Quantile(.9); got != 0 {
			t.Errorf("service p90 is %s: all but one are quick", got)
		}
		if got := connect.Latency.Quantile(.7); got < 400*time.Millisecond {
			t.Errorf("latency p70 is %s: the wait of those behind is left out", got)
		}
		if timing := timingOf(times.Slip); timing.Outcome != "inconclusive" {
			t.Errorf("timing is %+v, want saturated", timing)
		}
	})
}

func TestAgendaEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		a := newAgenda(8, func(time.Duration) {})
		var began, ended atomic.Int32
		a.paced(pace{time.Now(), 1, 1}, 1_000_000, func(ctx context.Context, _ int, _ Tick) {
			began.Add(1)
			pause(ctx, time.Hour)
			ended.Add(1)
		})
		a.run(ctx)
		if began.Load() < 4 || began.Load() > 6 || ended.Load() != began.Load() {
			t.Errorf("%d began and %d ended", began.Load(), ended.Load())
		}
		if len(a.queue) != 0 {
			t.Error("something is left on the agenda")
		}
	})
}
