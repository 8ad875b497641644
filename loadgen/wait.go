package loadgen

import (
	"context"
	"time"
)

// pause waits for the duration, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// waitFor waits until a condition holds, at most for the patience. It reports whether it
// holds.
func waitFor(ctx context.Context, patience time.Duration, holds func() bool) bool {
	for end := time.Now().Add(patience); !holds(); pause(ctx, conditionEvery) {
		if ctx.Err() != nil || time.Now().After(end) {
			return false
		}
	}
	return true
}

// conditionEvery is the time between two looks at a condition.
const conditionEvery = 5 * time.Millisecond
