package harness

import (
	"context"
	"fmt"
	"time"
)

// Between two looks Settle waits so long, at first and at most.
const (
	settleFirst   = 50 * time.Microsecond
	settleLongest = 50 * time.Millisecond
)

// Settle calls check until it returns nil: at once, then after waits that grow
// from microseconds to 50 ms. When ctx ends first, it looks once more and returns
// why ctx ended together with check's last reason; both can be had by errors.Is
// and errors.As. A check that blocks must end by itself.
func Settle(ctx context.Context, check func() error) error {
	for wait := settleFirst; ; wait = min(2*wait, settleLongest) {
		if check() == nil {
			return nil
		}
		if pause(ctx, wait) {
			continue
		}
		// A machine under load may have kept us waiting for longer than what we
		// were waiting for took.
		reason := check()
		if reason == nil {
			return nil
		}
		return fmt.Errorf("not settled: %w: %w", context.Cause(ctx), reason)
	}
}

// pause waits and reports true, or false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// How settleFlat recognises that what is left will stay: so many looks in a row
// saw as much, over so long. Both, for a starved process looks rarely.
const (
	flatFor   = 200 * time.Millisecond
	flatLooks = 8
	flatWait  = 20 * time.Millisecond
)

// settleFlat calls look until it says that nothing is left, or as much as in the
// looks before. The time it takes is bounded by ctx and by longest: what still
// changes after that long is taken as it is.
func settleFlat(ctx context.Context, longest time.Duration, look func() (left int64, err error)) error {
	return settleLooks(ctx, longest, flatLooks, look)
}

// settleLooks is settleFlat where so many looks are enough.
func settleLooks(ctx context.Context, longest time.Duration, enough int, look func() (left int64, err error)) error {
	start := time.Now()
	since, looks, before := start, 0, int64(-1)
	for wait := settleFirst; ; wait = min(2*wait, flatWait) {
		left, err := look()
		if err != nil || left == 0 {
			return err
		}
		now := time.Now()
		if left != before {
			since, looks, before = now, 0, left
		}
		if looks++; looks >= enough && now.Sub(since) >= flatFor || now.Sub(start) >= longest {
			return nil
		}
		if !pause(ctx, wait) {
			return fmt.Errorf("not settled: %w: %d left", context.Cause(ctx), left)
		}
	}
}
