package detect

import (
	"context"
	"fmt"
	"runtime/metrics"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect/internal/planted"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Quiet finds work that goes on with nobody connected: goroutines that run or want
// to whenever it looks, as one does that spins on a closed channel. It looks for a
// tenth of a second, and counts what was busy at every look: work that comes and
// goes is not seen, nor is what a single goroutine does that sleeps in between.
//
// Other processes do not disturb it. The zero value is ready to use.
type Quiet struct {
	base   int64
	based  bool
	cycles []int64
	brief  bool // a control is read, and what is busy is meant to be
}

// How often Quiet looks, and how long it waits in between.
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

// Plant implements Controlled by a goroutine that never rests.
func (q *Quiet) Plant(func(context.Context) (func(), error)) Plant {
	ctx, stop := context.WithCancel(context.Background())
	return Plant{
		Grow: func(_ int64, last bool) error {
			if last {
				go planted.Spin(ctx)
			}
			return nil
		},
		Remove: stop,
		Is: func(f verdict.Finding) bool {
			return f.Class == verdict.CPU && len(f.PerCycle) > 0 && f.PerCycle[len(f.PerCycle)-1] > 0
		},
	}
}

// Shorten implements Brief: without a second, longer look.
func (q *Quiet) Shorten(time.Duration) (restore func()) {
	q.brief = true
	return func() { q.brief = false }
}

// Baseline counts the goroutines that are always busy.
func (q *Quiet) Baseline(ctx context.Context, _ *Reading) error {
	busy, err := alwaysBusy(ctx, quietLooks)
	q.base, q.based, q.cycles = busy, err == nil, nil
	return err
}

// Cycle counts them again.
func (q *Quiet) Cycle(ctx context.Context, _ *Reading) error {
	if !q.based {
		return ErrNoBaseline
	}
	busy, err := alwaysBusy(ctx, quietLooks)
	if err != nil {
		return err
	}
	q.cycles = append(q.cycles, busy)
	return nil
}

// Findings returns a finding if more are always busy than at the baseline.
func (q *Quiet) Findings(ctx context.Context) ([]verdict.Finding, error) {
	if len(q.cycles) == 0 {
		return nil, ErrNoCycle
	}
	n := q.cycles[len(q.cycles)-1] - q.base
	if n <= 0 {
		return nil, nil
	}
	if !q.brief {
		busy, err := alwaysBusy(ctx, quietAgain)
		if n = min(n, busy-q.base); err != nil || n <= 0 {
			return nil, err
		}
	}
	f := verdict.Finding{Detector: q.Name(), Class: verdict.CPU, Count: n}
	before := q.base
	for _, c := range q.cycles {
		f.PerCycle = append(f.PerCycle, c-before)
		before = c
	}
	f.Detail = fmt.Sprintf("%d goroutines more than at the baseline were running at each of %d looks", n, quietAgain)
	return []verdict.Finding{f}, nil
}

// alwaysBusy returns the least number of goroutines, besides the caller, that
// were running or runnable. It ends early once that is none.
func alwaysBusy(ctx context.Context, looks int) (least int64, err error) {
	least = 1 << 62
	for range looks {
		if least = min(least, max(0, busyGoroutines()-1)); least == 0 {
			return 0, nil
		}
		if !settle.Pause(ctx, quietPause) {
			return 0, fmt.Errorf("quiet: %w", context.Cause(ctx))
		}
	}
	return least, nil
}

// busyGoroutines is how many run or want to. Both are read at once: what goes from
// the one to the other in between would be missed.
func busyGoroutines() (n int64) {
	samples := []metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}, {Name: "/sched/goroutines/running:goroutines"}}
	metrics.Read(samples)
	for _, s := range samples {
		n += int64(s.Value.Uint64())
	}
	return n
}
