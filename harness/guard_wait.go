package harness

import (
	"context"
	"errors"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/settle"
)

const (
	// startGrace is how long a guard waits before a test until no goroutine is runnable.
	startGrace = 20 * time.Millisecond
	// flatFor and flatLooks are how long, and for how many looks, what a test has left must stay the
	// same to be a leak. Both are necessary, because a starved process looks rarely.
	flatFor   = 400 * time.Millisecond
	flatLooks = 12
	// flatLongest bounds the wait for something that keeps changing.
	flatLongest = 5 * time.Second
	// atOnce is the grace of detectors after the wait of the guard.
	atOnce = time.Nanosecond
)

// await waits until the test has left no goroutine and no descriptor, and reports true, or until the
// grace is over. It waits once for all detectors.
func (g *guard) await(ctx context.Context) (nothing bool) {
	if left, err := g.left(ctx); err == nil && left == 0 {
		return true
	}
	looks, last, began := 0, int64(-1), time.Now()
	since := began
	if g.descriptors != nil {
		defer detect.HoldGC()()
	}
	_ = settle.Until(ctx, func() error { // what is left is for the detectors to report
		left, err := g.left(ctx)
		now := time.Now()
		if looks++; left != last {
			looks, last, since = 1, left, now
		}
		switch {
		case err != nil || left == 0:
			nothing = err == nil
			return nil
		case g.grace > 0 && now.Sub(began) < g.grace:
			return errLeft
		case g.grace > 0 || now.Sub(began) >= flatLongest || looks >= flatLooks && now.Sub(since) >= flatFor:
			return nil
		}
		return errLeft
	})
	g.goroutines.Grace = atOnce
	if g.descriptors != nil {
		g.descriptors.Grace = atOnce
	}
	return nothing
}

var errLeft = errors.New("the test has left something")

// left returns how many goroutines and descriptors there are beyond the baseline, or if there are none,
// how many entries in the census. The goroutines of the test may write to its collections.
func (g *guard) left(ctx context.Context) (n int64, err error) {
	if n, err = g.goroutines.Left(); err == nil && g.descriptors != nil {
		var open int64
		open, err = g.descriptors.Left()
		n += open
	}
	if err != nil || n > 0 || g.census == nil {
		return n, err
	}
	return g.census.Left(ctx)
}
