package harness

import (
	"context"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// findings returns the findings of each detector so far.
func (c *Campaign) findings(ctx context.Context) [][]verdict.Finding {
	found := make([][]verdict.Finding, len(c.Detectors))
	for i, d := range c.Detectors {
		if c.detector[i].State != verdict.Ready {
			continue
		}
		var err error
		if found[i], err = d.Findings(ctx); err != nil {
			c.markMissing(i, err)
		}
	}
	return found
}

// shorten makes all detectors brief until restore is called.
func (c *Campaign) shorten(grace time.Duration) (restore func()) {
	var all []func()
	for _, d := range c.Detectors {
		if d, ok := d.(detect.Brief); ok {
			all = append(all, d.Shorten(grace))
		}
	}
	return func() {
		for _, restore := range all {
			restore()
		}
	}
}

// unclear reports whether the run has leaks and none could be attributed to a scenario. Only then
// are trials worth their time: if one leak is attributed, the others usually follow from it, and
// retaining paths will join them.
func (c *Campaign) unclear(ctx context.Context) bool {
	if c.trials() == 0 || len(c.Crowd.Scenarios) < 2 {
		return false
	}
	defer c.shorten(time.Millisecond)() // each cycle has waited for them
	leaks := slices.DeleteFunc(c.leaks(slices.Concat(c.findings(ctx)...)), func(l verdict.Leak) bool {
		return l.Class == verdict.Memory // which grows in steps, so trials do not help
	})
	return len(leaks) > 0 && !slices.ContainsFunc(leaks, func(l verdict.Leak) bool {
		return l.Source.Solved && !l.Source.Fixed && len(l.Source.Or) == 0
	})
}

// undecided reports whether there is growth of which further cycles can show that it is no leak. A
// table that fills to a bound, or follows the most peers at once, grows in some cycles, a leak in
// each. Growth with time does not depend on peers, so further cycles cannot decide about it.
func (c *Campaign) undecided(ctx context.Context) bool {
	defer c.shorten(time.Millisecond)()
	return slices.ContainsFunc(c.judge(slices.Concat(c.findings(ctx)...)).Doubtful, func(l verdict.Leak) bool { return !l.Source.Fixed })
}

// leaks returns the leaks of the run with these findings.
func (c *Campaign) leaks(found []verdict.Finding) []verdict.Leak { return c.judge(found).Leaks }

func (c *Campaign) judge(found []verdict.Finding) verdict.Verdict {
	run := c.run
	run.Findings, run.Detectors = found, c.detector
	return verdict.Judge(run)
}

func (c *Campaign) trials() int {
	if c.Trials == 0 {
		return 6
	}
	return max(0, c.Trials)
}
