package schedule

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
	p, same, other := Pace{start, 100, 1}, Pace{start, 100, 1}, Pace{start, 100, 2}
	differ := 0
	for i := range 1000 {
		at := p.At(i)
		slot := time.Duration(i) * 10 * time.Millisecond
		if d := at.Sub(start); d < slot || d >= slot+10*time.Millisecond {
			t.Fatalf("action %d is due after %s, outside of its slot", i, d)
		}
		if !at.Equal(same.At(i)) {
			t.Fatal("the same seed gave another time")
		}
		if !at.Equal(other.At(i)) {
			differ++
		}
	}
	if differ < 990 {
		t.Errorf("another seed gave other times for %d of 1000 only", differ)
	}
}

func TestScheduleRunsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var worst atomic.Int64
		a := New(4, func(d time.Duration) { worst.Store(max(worst.Load(), int64(d))) })
		start := time.Now()
		got := make(chan time.Duration, 100)
		for _, after := range []time.Duration{3 * time.Second, time.Second, 2 * time.Second} {
			a.Add(start.Add(after), func(_ context.Context, tick Tick) {
				got <- tick.Start.Sub(start)
				if after == time.Second { // an action may add others, of before its end
					a.Add(start.Add(1500*time.Millisecond), func(_ context.Context, tick Tick) { got <- tick.Start.Sub(start) })
				}
			})
		}
		a.Run(t.Context())
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

func TestScheduleEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		a := New(8, func(time.Duration) {})
		var began, ended atomic.Int32
		a.AddPaced(Pace{time.Now(), 1, 1}, 1_000_000, func(ctx context.Context, _ int, _ Tick) {
			began.Add(1)
			<-ctx.Done()
			ended.Add(1)
		})
		a.Run(ctx)
		if began.Load() < 4 || began.Load() > 6 || ended.Load() != began.Load() {
			t.Errorf("%d began and %d ended", began.Load(), ended.Load())
		}
		if a.Len() != 0 {
			t.Error("something is left in the schedule")
		}
	})
}
