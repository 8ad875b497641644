package loadgen

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// ask tests each series of the blocks so far for a leak.
func (e *experiment) ask() []verdict.Trend {
	if len(e.cycles) < minPairs {
		return nil // too few to decide anything
	}
	names := e.judged()
	var trends []verdict.Trend
	for _, name := range names {
		trends = append(trends, e.trend(name, len(names)))
	}
	for i, t := range trends {
		if t.Outcome != verdict.Leaking || t.Unit != verdict.Bytes {
			continue
		}
		q, blocks := e.question(t.Series, len(names))
		for _, leak := range trends {
			if leak.Outcome == verdict.Leaking && leak.Unit != verdict.Bytes {
				trends[i] = verdict.TestHeld(q, trends[i], leak, blocks, e.cycles)
			}
		}
	}
	return trends
}

// trend tests one series, which shares the error probability with others.
func (e *experiment) trend(name string, among int) verdict.Trend {
	q, blocks := e.question(name, among)
	return verdict.TestTogether(q, blocks, e.cycles)
}

// question returns what is asked of a series, and its readings.
func (e *experiment) question(name string, among int) (verdict.Question, []verdict.Block) {
	k := report.KindOf(name)
	q := verdict.Question{Series: name, Unit: k.Unit, Class: k.Class, Strict: k.Strict, Among: among, Matters: e.matters(k),
		Fills: k.Unit == verdict.Bytes}
	var blocks []verdict.Block
	for _, b := range e.blocks {
		blocks = append(blocks, verdict.Block{Dose: b.dose, Before: b.before.value(name), After: b.after.value(name)})
	}
	return q, blocks
}

// sure evaluates all series, and reports whether the experiment may end: each one leaks, or
// has no leak of a size that matters. Once a count leaks, the experiment does not go on
// only for bytes.
func (e *experiment) sure() bool {
	if len(e.cycles) < e.pairs {
		return false
	}
	e.trends = e.ask()
	counts, bytes, leaking := decided(e.trends)
	return counts && (bytes && !e.lasting || leaking)
}

// decided reports whether all counts, and all series of bytes, are decided, and whether a series
// leaks.
func decided(trends []verdict.Trend) (counts, bytes, leaking bool) {
	counts, bytes = true, true
	for _, t := range trends {
		known := t.Outcome != verdict.Inconclusive
		counts = counts && (known || t.Unit == verdict.Bytes)
		bytes = bytes && (known || t.Unit != verdict.Bytes)
		leaking = leaking || t.Outcome == verdict.Leaking
	}
	return counts, bytes, leaking
}

// confirm gives a target that seems to leak time to release: what is retained for a while
// and then released is not a leak.
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
	e.log.Info("something is retained; waiting for its release", "series", len(suspects), "at_most", patience)
	for end := time.Now().Add(patience); time.Now().Before(end) && ctx.Err() == nil; pause(ctx, time.Second) {
		now, err := e.target.read(ctx, false)
		if err != nil {
			continue
		}
		var left []*verdict.Trend
		for _, t := range suspects {
			if v, ok := now[t.Series]; ok && v-t.Baseline < (t.Final-t.Baseline)/2 {
				t.Outcome, t.Why = verdict.Inconclusive, "what was retained was released later, perhaps by a timer"
				continue
			}
			left = append(left, t)
		}
		if suspects = left; len(left) == 0 {
			return
		}
	}
}

// interim evaluates the experiment while it runs, if the caller watches.
func (e *experiment) interim() {
	var trends []verdict.Trend
	if e.phaseRun.watched && len(e.cycles) >= minPairs {
		trends = e.ask()
	}
	e.phaseRun.progress.learned(len(e.cycles), max(len(e.cycles), e.pairs), trends)
}

// The growth that matters. A short run cannot exclude so little: then the least growth that
// it can exclude matters, and the verdict reports how much that is.
const (
	leastCount  = 0.001 // per peer
	leastBytes  = 64.0
	leastFine   = 32.0
	countsInRun = 20        // of all peers
	bytesInRun  = 32 << 20  // what has not been collected yet comes and goes by megabytes
	fineInRun   = 640 << 10 // of them, where only what is reachable is counted
)

// matters returns the growth per peer that matters in a series.
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

// judged returns the series that are tested: the counts that ever changed, and of several
// series that measure the same thing the best one.
func (e *experiment) judged() []string {
	if len(e.blocks) == 0 {
		return nil
	}
	var names []string
	best := map[verdict.Class]string{}
	for name := range e.blocks[0].before {
		switch k := report.KindOf(name); {
		case k.Skip:
		case k.Prefer == 0 && e.behaviour(name) == collection:
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
