package detect_test

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// spinOn spins on a closed channel.
func spinOn(ctx context.Context, closed <-chan struct{}) {
	for ctx.Err() == nil {
		<-closed
	}
}

// Spinning goroutines count in the cycle in which they began. Those of the baseline do not count.
func TestQuietFindsSpinning(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan struct{})
	close(closed)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	spin := func() { wg.Go(func() { spinOn(ctx, closed) }) }
	spin()
	found := findIn(t, &detect.Quiet{}, []int64{1, 1, 1}, func(k int, _ int64) {
		if k > 0 {
			spin()
		}
	})
	f := wantOne(t, found, verdict.CPU, 2, "")
	wantCycles(t, f, 0, 1, 1)
}

// Waiting goroutines do not count, nor does a process that takes all processors.
func TestQuietBenign(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 2 * runtime.NumCPU() {
		hog := exec.CommandContext(ctx, "nice", "-n", "19", "sh", "-c", "while :; do :; done") // low priority, for parallel tests
		if err := hog.Start(); err != nil {
			t.Skip(err)
		}
		defer hog.Wait()
	}
	defer cancel() // before the wait for them
	h := fixture.NewHerd(t)
	wantNone(t, findIn(t, &detect.Quiet{}, []int64{1, 1}, func(int, int64) { h.Leak(100) }))
}

// A goroutine that has stopped spinning no longer counts.
func TestQuietAgain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	closed := make(chan struct{})
	close(closed)
	var wg sync.WaitGroup
	wantNone(t, findIn(t, &detect.Quiet{}, []int64{1, 1}, func(k int, _ int64) {
		if k == 0 {
			wg.Go(func() { spinOn(ctx, closed) })
			return
		}
		cancel()
		wg.Wait()
	}))
}

// Work that ends while the baseline is taken, such as a long garbage collection, is not part of it.
func TestQuietBaselineOutlastsASpell(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan struct{})
	close(closed)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	spell, end := context.WithCancel(ctx)
	wg.Go(func() { spinOn(spell, closed) })
	defer time.AfterFunc(300*time.Millisecond, end).Stop() // after the looks that find nothing usually take
	found := findIn(t, &detect.Quiet{}, []int64{1}, func(int, int64) { wg.Go(func() { spinOn(ctx, closed) }) })
	wantCycles(t, wantOne(t, found, verdict.CPU, 1, ""), 1)
}

// Work that ends while a cycle is read does not count, nor when a campaign checks its detectors.
func TestQuietCycleOutlastsASpell(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan struct{})
	close(closed)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var q detect.Detector = &detect.Quiet{}
	if q, ok := q.(detect.Brief); ok {
		defer q.Shorten(time.Millisecond)()
	}
	wantNone(t, findIn(t, q, []int64{1}, func(int, int64) {
		wg.Go(func() { spinOn(ctx, closed) })
		time.AfterFunc(300*time.Millisecond, cancel)
	}))
}

func TestQuietOrder(t *testing.T) {
	q := &detect.Quiet{}
	if err := q.Cycle(t.Context(), detect.NewReading(1)); !errors.Is(err, detect.ErrNoBaseline) {
		t.Errorf("a cycle without a baseline: %v", err)
	}
	if _, err := q.Findings(t.Context()); !errors.Is(err, detect.ErrNoCycle) {
		t.Errorf("findings without a cycle: %v", err)
	}
}
