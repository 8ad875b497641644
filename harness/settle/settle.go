// Package settle waits for a condition or for a number that no longer changes.
//
//	err := settle.Until(ctx, func() error {
//		if n := hub.Sessions(); n != 0 {
//			return fmt.Errorf("%d sessions are left", n)
//		}
//		return nil
//	})
//
// All of it is in settle.go.
package settle

import (
	"context"
	"fmt"
	"time"
)

// The shortest and the longest wait of Until between two checks.
const (
	firstWait   = 50 * time.Microsecond
	longestWait = 50 * time.Millisecond
)

// Until calls check until it returns nil: at once, then after waits that grow from
// microseconds to 50 ms. When ctx ends, Until calls check once more. The error wraps the
// cause of ctx and the last error of check. Until does not interrupt a check that blocks.
func Until(ctx context.Context, check func() error) error {
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		if check() == nil {
			return nil
		}
		if Pause(ctx, wait) {
			continue
		}
		// On a loaded machine the condition may hold since the pause began.
		reason := check()
		if reason == nil {
			return nil
		}
		return fmt.Errorf("not settled: %w: %w", context.Cause(ctx), reason)
	}
}

// Pause waits for d and reports true. It reports false as soon as ctx ends.
func Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// A number is constant if flatLooks looks in a row returned it and flatFor has passed. Both are
// necessary, because a starved process looks rarely.
const (
	flatFor   = 200 * time.Millisecond
	flatLooks = 8
	flatWait  = 20 * time.Millisecond
)

// Flat calls look until it returns 0 or no longer changes. Flat also returns nil when
// longest has passed, and an error when ctx ends.
func Flat(ctx context.Context, longest time.Duration, look func() (left int64, err error)) error {
	return FlatAfter(ctx, longest, flatLooks, look)
}

// FlatAfter is Flat for a number that is constant after enough looks.
func FlatAfter(ctx context.Context, longest time.Duration, enough int, look func() (left int64, err error)) error {
	start := time.Now()
	since, looks, before := start, 0, int64(-1)
	for wait := firstWait; ; wait = min(2*wait, flatWait) {
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
		if !Pause(ctx, wait) {
			return fmt.Errorf("not settled: %w: %d left", context.Cause(ctx), left)
		}
	}
}
