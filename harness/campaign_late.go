package harness

import (
	"context"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// settleLate is settle for a level that later ones are compared with: the target should be at rest
// as it was before the first peer. One that leaks is not, and is not waited for any longer.
func (c *Campaign) settleLate(ctx context.Context) {
	c.settle(ctx)
	if c.busy() == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, detect.LateFor)
	defer cancel()
	_ = settle.Until(ctx, c.busy)
}

// awaitLate adds a cycle without peers, k, if the run has leaks so far: what the target lets go
// late is missing in its readings.
func (c *Campaign) awaitLate(ctx context.Context, k int) {
	if !c.hasLeaks(ctx) {
		return
	}
	c.progress("waiting for what is let go late")
	settle.Pause(ctx, detect.LateFor)
	c.cycle(ctx, k, verdict.Cycle{Trial: true, Doses: map[string]int64{}})
}

// hasLeaks reports whether the run has leaks so far.
func (c *Campaign) hasLeaks(ctx context.Context) bool {
	defer c.shorten(time.Millisecond)() // each cycle has waited for them
	return len(c.leaks(slices.Concat(c.findings(ctx)...))) > 0
}
