package loadgen

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/probe"
)

// letsGo is a target that lets go of its peers so long after they have left.
func letsGo(after time.Duration) *target {
	start := time.Now()
	return &target{quiet: longestQuiet, died: func() error { return nil }, probes: []probe.Probe{{Name: "health",
		Read: func(context.Context) (map[string]float64, error) {
			if time.Since(start) < after {
				return map[string]float64{"peers": 3}, nil
			}
			return map[string]float64{"peers": 1}, nil
		}}}}
}

// A target that lets go late is waited for the first time, and from then on.
func TestSettleLearns(t *testing.T) {
	t.Parallel()
	before := reading{"health.peers": 1}
	for _, tt := range []struct {
		name        string
		after       time.Duration
		first, next float64 // peers that are read
		quiet       time.Duration
	}{
		{"at_once", 0, 1, 1, quietFor},
		{"late", 2 * time.Second, 1, 1, 4 * time.Second},
		{"never", time.Hour, 3, 3, quietFor},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				target := letsGo(tt.after)
				got, err := target.settleFirst(t.Context(), before)
				if err != nil || got["health.peers"] != tt.first || target.quiet < tt.quiet || target.quiet > tt.quiet+500*time.Millisecond {
					t.Errorf("read %v, and waits %s from now on: %v", got, target.quiet, err)
				}
				again := letsGo(tt.after)
				again.quiet = target.quiet
				if got, err := again.settle(t.Context(), before); err != nil || got["health.peers"] != tt.next {
					t.Errorf("the next time it reads %v: %v", got, err)
				}
			})
		})
	}
}

// One that takes some seconds, as on a busy machine, is waited for also where nothing
// was learned: it was read after one, and a peer that was about to go made a clean run
// a doubtful one. One that is known to be quicker is not.
func TestSettleWithoutHavingLearned(t *testing.T) {
	t.Parallel()
	before := reading{"health.peers": 1}
	for quiet, want := range map[time.Duration]float64{longestQuiet: 1, quietFor: 3} {
		synctest.Test(t, func(t *testing.T) {
			target := letsGo(2 * time.Second)
			target.quiet = quiet
			if got, err := target.settle(t.Context(), before); err != nil || got["health.peers"] != want {
				t.Errorf("quiet for %s: read %v, want %v: %v", quiet, got, want, err)
			}
		})
	}
}

// A count that is now and then one less than usual is not taken for one that has grown:
// what is read before a load is the usual.
func TestUsual(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		target := &target{quiet: longestQuiet, died: func() error { return nil }, probes: []probe.Probe{{Name: "metrics",
			Read: func(context.Context) (map[string]float64, error) {
				if n++; n == 4 {
					return map[string]float64{"go_goroutines": 10}, nil
				}
				return map[string]float64{"go_goroutines": 11}, nil
			}}}}
		before, err := target.usual(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		after, err := target.settle(t.Context(), before)
		if doubts := stayed(before, after); err != nil || len(doubts) > 0 || n < 5 {
			t.Errorf("%d readings, %v: %v", n, doubts, err)
		}
	})
}
