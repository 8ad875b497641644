package harness

import (
	"context"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// awaitLate adds a cycle without peers if the run has leaks so far: what the target lets go late
// is missing in its reading. It does so again after trials, which bring further peers.
func (c *Campaign) awaitLate(ctx context.Context) {
	if !c.hasLeaks(ctx) {
		return
	}
	c.progress("waiting for what is let go late")
	if settle.Pause(ctx, c.Late) {
		c.cycle(ctx, len(c.run.Cycles)+1, verdict.Cycle{Trial: true, Doses: map[string]int64{}})
	}
}

// hasLeaks reports whether the run has leaks so far.
func (c *Campaign) hasLeaks(ctx context.Context) bool {
	defer c.shorten(time.Millisecond)() // each cycle has waited for them
	return len(c.leaks(slices.Concat(c.findings(ctx)...))) > 0
}
