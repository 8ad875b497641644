package loadgen

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// ask asks each series of the blocks so far whether it leaks.
func (e *experiment) ask() []verdict.Trend {
	if len(e.cycles) < minPairs {
		return nil // which would decide nothing
	}
	names := e.judged()
	var trends []verdict.Trend
	for _, name := range names {
		k := report.KindOf(name)
		q := verdict.Question{Series: name, Unit: k.Unit, Class: k.Class, Strict: k.Strict, Among: len(names), Matters: e.matters(k)}
		var blocks []verdict.Block
		for _, b := range e.blocks {
			blocks = append(blocks, verdict.Block{Dose: b.dose, Before: b.before.value(name), After: b.after.value(name)})
		}
		trends = append(trends, verdict.TestTogether(q, blocks, e.cycles))
	}
	return trends
}

// sure asks every series, and reports whether the experiment may end: everywhere is a
// leak, or none of a size that matters. Once there is a leak, it does not go on for the
// sake of bytes.
func (e *experiment) sure() bool {
	if len(e.cycles) < e.pairs {
		return false
	}
	e.trends = e.ask()
	counts, bytes, leaking := true, true, false
	for _, t := range e.trends {
		decided := t.Outcome != verdict.Inconclusive
		counts = counts && (decided || t.Unit == verdict.Bytes)
		bytes = bytes && (decided || t.Unit != verdict.Bytes)
		leaking = leaking || t.Outcome == verdict.Leaking
	}
	return counts && (bytes && !e.lasting || leaking)
}

// confirm gives a target that seems to leak time to let go: what is kept for a while
// and then released is no leak.
func (e *experiment) confirm(ctx context.Context) {
	e.trends = e.ask()
	patience, _ := e.Phase.DurationOf("confirm") // checked with the plan
	var suspects []*verdict.Trend
	for i := range e.trends {
		if e.trends[i].Outcome == verdict.Leaking && e.trends[i].Unit != verdict.Bytes {
			suspects = append(suspects, &e.trends[i])
		}
	}
	if len(suspects) == 0 {
		return
	}
	e.log.Info("something stays; waiting whether it is let go", "series", len(suspects), "at_most", patience)
	for end := time.Now().Add(patience); time.Now().Before(end) && ctx.Err() == nil; pause(ctx, time.Second) {
		now, err := e.target.read(ctx, false)
		if err != nil {
			continue
		}
		var left []*verdict.Trend
		for _, t := range suspects {
			if v, ok := now[t.Series]; ok && v-t.Baseline < (t.Final-t.Baseline)/2 {
				t.Outcome, t.Why = verdict.Inconclusive, "what stayed was let go later: the target takes its time, or a timer"
				continue
			}
			left = append(left, t)
		}
		if suspects = left; len(left) == 0 {
			return
		}
	}
}

// interim notes what an experiment knows while it runs, if somebody watches.
func (e *experiment) interim(pairs int) {
	var trends []verdict.Trend
	if e.phaseRun.watched && len(e.cycles) >= minPairs {
		trends = e.ask()
	}
	e.phaseRun.progress.learned(pairs, e.pairs, trends)
}

// What matters, if the run is long enough to exclude it: in a short one it is what
// such a run can exclude, and the verdict says how much that is.
const (
	leastCount  = 0.001 // per peer
	leastBytes  = 64.0
	leastFine   = 32.0
	countsInRun = 20        // of all peers
	bytesInRun  = 32 << 20  // what has not been collected yet comes and goes by megabytes
	fineInRun   = 640 << 10 // of them, where only what is reachable is counted
)

func (e *experiment) matters(k report.Kind) float64 {
	peers := float64(e.lives)
	switch {
	case k.Fine:
		return math.Max(leastFine, fineInRun/peers)
	case k.Unit == verdict.Bytes:
		return math.Max(leastBytes, bytesInRun/peers)
	}
	return math.Max(leastCount, countsInRun/peers)
}

// judged are the series that are asked: the counts that ever moved, and of several
// series that measure the same the one that does it best.
func (e *experiment) judged() []string {
	if len(e.blocks) == 0 {
		return nil
	}
	var names []string
	best := map[verdict.Class]string{}
	for name := range e.blocks[0].before {
		switch k := report.KindOf(name); {
		case k.Skip:
		case k.Prefer == 0 && e.moved(name):
			names = append(names, name)
		case k.Prefer > report.KindOf(best[k.Class]).Prefer:
			best[k.Class] = name
		}
	}
	for _, name := range best {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// moved reports whether a series was ever another than at the beginning. What stands
// still with peers connected says nothing of them.
func (e *experiment) moved(name string) bool {
	was := e.blocks[0].before.value(name)
	if e.peak == nil || e.peak.value(name) != was {
		return true
	}
	return slices.ContainsFunc(e.blocks, func(b block) bool {
		now := b.after.value(name)
		return now != was && !math.IsNaN(now)
	})
}
