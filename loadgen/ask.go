package loadgen

import (
	"fmt"
	"math"
	"slices"

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

// control says whether the target's counts showed the peers of the warm-up while they
// were there: what does not see them when they are would not see them stay.
func (e *experiment) control() []verdict.Control {
	if e.seen == 0 || len(e.blocks) == 0 {
		return nil
	}
	c := verdict.Control{Name: "connected peers are seen", Planted: true, Detail: fmt.Sprintf("no count rose by half of the %d peers that were connected", e.seen)}
	counts := false
	for name, at := range e.peak {
		if k := report.KindOf(name); k.Strict && !k.Skip {
			counts = true
			c.Caught = c.Caught || at-e.blocks[0].before.value(name) >= float64(e.seen)/2
		}
	}
	switch {
	case !counts:
		return nil // only memory can be read
	case c.Caught:
		c.Detail = ""
	}
	return []verdict.Control{c}
}

// report adds what the experiment found to the run.
func (e *experiment) report() {
	r := e.evidence
	r.Cycles = append(r.Cycles, e.cycles...)
	r.Trends = append(r.Trends, e.trends...)
	r.Controls = append(r.Controls, e.control()...)
	for _, name := range e.plotted() {
		r.Series = append(r.Series, e.points(name))
	}
	if len(e.cycles) < minPairs && len(r.Failures) == 0 {
		r.Problems = append(r.Problems, verdict.Reason{About: "experiment", What: "it was ended before it could tell", Do: "give it more time"})
	}
}

// plotted are the series that are worth a look: those judged, and all bytes.
func (e *experiment) plotted() []string {
	names := e.judged()
	if len(e.blocks) == 0 {
		return nil
	}
	for name := range e.blocks[0].before {
		if k := report.KindOf(name); k.Unit == verdict.Bytes && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// maxPoints of a series are enough for a plot.
const maxPoints = 2000

// points are the readings of a series at rest.
func (e *experiment) points(name string) verdict.Series {
	k := report.KindOf(name)
	s := verdict.Series{Name: name, Unit: k.Unit, Group: string(k.Class)}
	if k.Unit == verdict.Bytes {
		s.Group = "memory"
	}
	cycle, dose, stride := 0, 0.0, 1+len(e.blocks)/maxPoints
	s.Points = append(s.Points, verdict.Point{Value: e.blocks[0].before.value(name)})
	for i, b := range e.blocks {
		if dose += b.dose; b.dose > 0 {
			cycle++
		}
		if i%stride != 0 {
			continue
		}
		s.Points = append(s.Points, verdict.Point{Seconds: b.at.Seconds(), Cycle: cycle, Dose: dose, Value: b.after.value(name), Block: i + 1})
	}
	return s
}
