package detect

import (
	"context"
	"fmt"
	"runtime/metrics"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect/internal/planted"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Quiet finds work that goes on while no peer is connected: goroutines that are running or
// runnable at nearly each of several looks within a tenth of a second, such as one that spins on a
// closed channel. It does not see work with pauses.
//
// Other processes do not disturb it. The zero value is ready to use.
type Quiet struct {
	base   int64
	based  bool
	cycles []int64
}

// The looks of a reading, those that follow if it has found something, and the pause between two.
const (
	quietLooks = 20
	quietAgain = 200
	quietPause = 5 * time.Millisecond
)

// Name implements Detector.
func (q *Quiet) Name() string { return "quiet" }

// Unit implements Detector.
func (q *Quiet) Unit() string { return "spin" }

// Noise implements Detector.
func (q *Quiet) Noise() float64 { return 0 }

// Plant implements Controlled with a goroutine that is always runnable, until the last reading has
// seen it: it takes the time of the other detectors.
func (q *Quiet) Plant(func(context.Context) (func(), error)) Plant {
	ctx, stop := context.WithCancel(context.Background())
	planting := false
	return Plant{
		Grow: func(_ int64, last bool) error {
			if planting = last; last {
				go planted.Spin(ctx)
			}
			return nil
		},
		During: func(_ context.Context, read func() error) error {
			if planting {
				defer stop()
			}
			return read()
		},
		Remove: stop,
		Is: func(f verdict.Finding) bool {
			return f.Class == verdict.CPU && len(f.PerCycle) > 0 && f.PerCycle[len(f.PerCycle)-1] > 0
		},
	}
}

// Baseline counts the goroutines that are always busy.
func (q *Quiet) Baseline(ctx context.Context, _ *Reading) error {
	busy, err := busyFor(ctx, 0)
	q.base, q.based, q.cycles = busy, err == nil, nil
	return err
}

// Cycle counts the goroutines that are always busy again.
func (q *Quiet) Cycle(ctx context.Context, _ *Reading) error {
	if !q.based {
		return ErrNoBaseline
	}
	busy, err := busyFor(ctx, q.base)
	if err != nil {
		return err
	}
	q.cycles = append(q.cycles, busy)
	return nil
}

// Findings returns a finding if more goroutines are always busy than at the baseline.
func (q *Quiet) Findings(context.Context) ([]verdict.Finding, error) {
	if len(q.cycles) == 0 {
		return nil, ErrNoCycle
	}
	n := q.cycles[len(q.cycles)-1] - q.base
	if n <= 0 {
		return nil, nil
	}
	f := verdict.Finding{Detector: q.Name(), Class: verdict.CPU, Count: n}
	f.PerCycle = perCycle(q.base, q.cycles, func(busy int64) int64 { return busy })
	f.Detail = fmt.Sprintf("%d goroutines more than at the baseline were running at nearly each of %d looks", n, quietAgain)
	return []verdict.Finding{f}, nil
}

// busyFor returns the number of goroutines that are always busy. If there are more than expected,
// it looks for a second longer, because a garbage collection may outlast the first looks.
func busyFor(ctx context.Context, expected int64) (int64, error) {
	busy, err := alwaysBusy(ctx, quietLooks, expected)
	if err != nil || busy <= expected {
		return busy, err
	}
	again, err := alwaysBusy(ctx, quietAgain, expected)
	return min(busy, again), err
}

// quietDips is one in how many looks does not count: a goroutine that spins is neither running nor
// runnable while the GC scans its stack.
const quietDips = 20

// alwaysBusy returns the number of goroutines, without the caller, that were running or runnable at
// all looks but a few. It returns early if there are no more than expected.
func alwaysBusy(ctx context.Context, looks int, expected int64) (int64, error) {
	var seen []int64
	for fewer := 0; len(seen) < looks; {
		busy := max(0, busyGoroutines()-1)
		seen = append(seen, busy)
		if busy <= expected {
			fewer++
		}
		if fewer > looks/quietDips {
			break
		}
		if !settle.Pause(ctx, quietPause) {
			return 0, fmt.Errorf("quiet: %w", context.Cause(ctx))
		}
	}
	slices.Sort(seen)
	return seen[min(looks/quietDips, len(seen)-1)], nil
}

// busyGoroutines returns how many goroutines are running or runnable. It reads both at once,
// so that it does not miss one that changes from one state to the other.
func busyGoroutines() (n int64) {
	samples := []metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}, {Name: "/sched/goroutines/running:goroutines"}}
	metrics.Read(samples)
	for _, s := range samples {
		n += int64(s.Value.Uint64())
	}
	return n
}
