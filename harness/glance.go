package harness

import (
	"context"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// glance returns what each detector has found so far, without what takes long to find out:
// paths and places are for the end.
func (c *Campaign) glance(ctx context.Context) [][]verdict.Finding {
	found := make([][]verdict.Finding, len(c.Detectors))
	for i, d := range c.Detectors {
		if c.detector[i].State != verdict.Ready {
			continue
		}
		switch d := d.(type) {
		case *Watch:
			defer func(paths bool) { d.Paths = paths }(d.Paths)
			d.Paths = false
		case *Gauges:
			defer func() { d.brief = false }()
			d.brief = true
		case *Quiet:
			defer func() { d.brief = false }()
			d.brief = true
		}
		var err error
		if found[i], err = d.Findings(ctx); err != nil {
			c.miss(i, err)
		}
	}
	return found
}

// hasten gives goroutines less time to end, until the caller calls restore.
func (c *Campaign) hasten(grace time.Duration) (restore func()) {
	restore = func() {}
	for _, d := range c.Detectors {
		if g, ok := d.(*Goroutines); ok {
			before, others := g.Grace, restore
			g.Grace = grace
			restore = func() {
				g.Grace = before
				others()
			}
		}
	}
	return restore
}

// unclear reports whether there are leaks, and of none anybody can say which scenarios it
// comes from, so that trials are worth their time. Where one is clear, others may be of it,
// which the retaining paths will tell.
func (c *Campaign) unclear(ctx context.Context) bool {
	if c.trials() == 0 || len(c.Crowd.Scenarios) < 2 {
		return false
	}
	defer c.hasten(time.Millisecond)() // each cycle has waited for them
	run := c.run
	run.Findings, run.Detectors = slices.Concat(c.glance(ctx)...), c.detector
	leaks := verdict.Judge(run).Leaks
	return len(leaks) > 0 && !slices.ContainsFunc(leaks, func(l verdict.Leak) bool {
		return l.Source.Solved && !l.Source.Fixed && len(l.Source.Or) == 0
	})
}

func (c *Campaign) trials() int {
	if c.Trials == 0 {
		return 6
	}
	return max(0, c.Trials)
}
