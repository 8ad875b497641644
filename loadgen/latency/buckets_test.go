package latency

import (
	"math/rand/v2"
	"testing"
	"time"
)

// The buckets hold as many times as were added below their bounds, and never fewer later.
func TestBuckets(t *testing.T) {
	t.Parallel()
	bounds := []time.Duration{0, time.Millisecond, 5 * time.Millisecond, time.Second, time.Minute}
	times, want, rng := NewTimes(), make([]int64, len(bounds)), rand.New(rand.NewPCG(1, 2))
	var exact, before time.Duration
	for range 300 {
		// Away from a bound, because a time is known to three digits.
		d := time.Duration(rng.ExpFloat64()*float64(2*time.Second)) + 3*time.Millisecond
		if r := d % time.Second; r < 10*time.Millisecond {
			d += 20 * time.Millisecond
		}
		times.Add(d)
		exact += d
		for i, b := range bounds {
			if d <= b {
				want[i]++
			}
		}
		within, sum := times.Buckets(bounds)
		for i := range bounds {
			if within[i] != want[i] {
				t.Fatalf("%d of %d times are within %s, want %d", within[i], times.Count(), bounds[i], want[i])
			}
		}
		if off := (sum - exact).Abs(); sum < before || off > exact/500 {
			t.Fatalf("the sum is %s after %s, want %s", sum, before, exact)
		}
		before = sum
	}
	if within, sum := NewTimes().Buckets(bounds); sum != 0 || within[4] != 0 {
		t.Errorf("no times: %v, %s", within, sum)
	}
}

// The slots are those of the library.
func TestSlots(t *testing.T) {
	t.Parallel()
	times := NewTimes()
	for i, bar := range times.h.Distribution() {
		low, width := slot(i)
		if low != time.Duration(bar.From)*shortestTime || low+width-shortestTime != time.Duration(bar.To)*shortestTime {
			t.Fatalf("slot %d begins at %s and is %s wide, want %d to %d µs", i, low, width, bar.From, bar.To)
		}
	}
}
