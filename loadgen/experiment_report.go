package loadgen

import (
	"fmt"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// control reports whether the counts of the target showed a crowd while it was connected. A count that does not show connected peers would not show retained
// ones.
func (e *experiment) control() []verdict.Control {
	if e.seen == 0 || len(e.blocks) == 0 {
		return nil
	}
	c := verdict.Control{Name: "connected peers are seen", Planted: true, Detail: fmt.Sprintf("no count rose by half of the %d peers that were connected; "+
		"add --pid ID of a process on this machine, or --page URL of a page that counts connections", e.seen)}
	counts := false
	for name := range e.peak {
		if k := report.KindOf(name); k.Strict && !k.Skip && (k.Prefer > 0 || e.behaviour(name) == collection) {
			counts = true
			c.Caught = c.Caught || slices.Contains(e.sighted, name)
		}
	}
	// A count that grew with the peers of the blocks has shown that it sees them.
	c.Caught = c.Caught || slices.ContainsFunc(e.trends, func(t verdict.Trend) bool {
		return t.Outcome == verdict.Leaking && report.KindOf(t.Series).Strict
	})
	switch {
	case !counts:
		return nil // only memory can be read
	case c.Caught:
		c.Detail = ""
	}
	return []verdict.Control{c}
}

// report adds the findings of the experiment to the evidence.
func (e *experiment) report() {
	r := e.evidence
	r.Cycles = append(r.Cycles, e.cycles...)
	r.Trends = append(r.Trends, e.trends...)
	r.Doubts = append(r.Doubts, e.neverFell()...)
	r.Controls = append(r.Controls, e.control()...)
	for _, name := range e.plotted() {
		r.Series = append(r.Series, e.points(name))
	}
	if len(e.cycles) < minPairs && len(r.Failures) == 0 {
		r.Problems = append(r.Problems, verdict.Reason{About: "experiment", What: fmt.Sprintf("it ended after %d of %d pairs of blocks, before it could decide", len(e.cycles), e.pairs), Do: e.longer()})
	}
}

// longer returns the duration in which a run of the same peers would end, by the time that the
// pairs of this one took.
func (e *experiment) longer() string {
	took := e.Duration
	if n := len(e.blocks); n > 0 {
		took = time.Duration(float64(e.blocks[n-1].at) * 2 * float64(e.pairs) / float64(n))
	}
	return fmt.Sprintf("again with --duration %s", max(2*e.Duration, took).Round(time.Second))
}

// plotted returns the series to plot: those tested, and all bytes.
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

// maxPoints bounds the points of a series, which is enough for a chart.
const maxPoints = 2000

// points returns the readings of a series at rest.
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
