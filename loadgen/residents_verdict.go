package loadgen

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/dial"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// residentsName is the scenario of what the target collects for residents.
const residentsName = "residents"

// growth tests each series for growth with the events of the residents.
func (y *residency) growth() []verdict.Trend {
	if len(y.blocks) < 2*minPairs {
		return nil // too few to decide anything
	}
	var trends []verdict.Trend
	names := y.judged()
	for _, name := range names {
		k := report.KindOf(name)
		trends = append(trends, y.test(verdict.Question{
			Series: name, Unit: k.Unit, Class: k.Class, Strict: k.Strict, Among: len(names), Matters: y.matters(k),
			Fills: k.Unit == verdict.Bytes || k.Class == verdict.Collection, Bound: y.bound * int64(y.number),
		}, func(i int) (before, after float64) {
			return y.blocks[i].before.value(name), y.blocks[i].after.value(name)
		}))
	}
	return trends
}

// test tests a series whose readings around block i are known.
func (y *residency) test(q verdict.Question, around func(i int) (before, after float64)) verdict.Trend {
	q.Scenario, q.Per = residentsName, verdict.PerEvent
	var blocks []verdict.Block
	for i, b := range y.blocks {
		block := verdict.Block{Dose: b.dose}
		if b.dose > 0 {
			block.Scenario = residentsName
		}
		block.Before, block.After = around(i)
		blocks = append(blocks, block)
	}
	return verdict.Test(q, blocks)
}

// enough reports whether each series leaks, or has no leak of a size that matters. Once a
// count leaks, the experiment does not go on only for bytes.
func (y *residency) enough() bool {
	trends := y.growth()
	y.fills = slices.ContainsFunc(trends, func(t verdict.Trend) bool { return t.Filling || t.Saturating })
	counts, bytes, leaking := decided(trends)
	return len(trends) > 0 && counts && (bytes || leaking)
}

// holds reports whether a series that grew has not fallen by what it grew. last is the last
// reading with the residents.
func (y *residency) holds(last reading) bool {
	for i := range y.trends {
		t := &y.trends[i]
		grew, kept := y.released(t, last)
		if t.Outcome == verdict.Leaking && !(kept < grew/2) {
			return true
		}
	}
	return false
}

// released returns by how much a series grew with the events, and how much more there is since
// the residents have left than was before they came. Either is NaN if it could not be read.
func (y *residency) released(t *verdict.Trend, last reading) (grew, kept float64) {
	return last.value(t.Series) - t.Baseline, y.left.value(t.Series) - y.empty.value(t.Series)
}

// conclude adds what was found to the evidence.
func (y *residency) conclude() {
	r := y.evidence
	events := y.events.Load()
	switch {
	case len(r.Failures) > 0:
		return
	case y.stayed < y.number:
		r.Doubts = append(r.Doubts, verdict.Reason{About: residentsName,
			What: fmt.Sprintf("residents: the target or the network ended %s that should have stayed", units.Plural(y.lost+y.number-y.stayed, "connection")),
			Do:   "look in the log of the target for why, or leave them out with --residents 0"})
		return
	case events == 0:
		y.say(notTested+residentsName, "no message came to a peer that stayed")
		return
	case len(y.trends) == 0:
		r.Doubts = append(r.Doubts, verdict.Reason{About: residentsName,
			What: fmt.Sprintf("residents: it ended after %d of %d pairs of blocks, before it could decide%s", len(y.blocks)/2, minPairs, y.interruptions()), Do: "again with " + y.command(y.Peers, 2)})
		return
	}
	r.Scenarios = append(r.Scenarios, verdict.Scenario{Name: residentsName, Planned: events, Landed: events, Unit: verdict.PerEvent})
	r.Controls = append(r.Controls, y.controls()...)
	for i := range y.trends {
		t := &y.trends[i]
		y.attribute(t)
		if t.Outcome != verdict.None && y.leaksAnyway(t.Series) {
			y.say(notTested+residentsName+": "+t.Series, "it grows with the peers that left")
			continue
		}
		if t.Outcome == verdict.Inconclusive && t.Again == "" {
			t.Again = y.more(t)
		}
		r.Trends = append(r.Trends, *t)
	}
	y.compare()
}

// interruptions returns why the experiment began anew, "" if it did not.
func (y *residency) interruptions() string {
	if y.lost == 0 {
		return ""
	}
	return fmt.Sprintf(", because %s that should have stayed ended before", units.Plural(y.lost, "connection"))
}

// leaksAnyway reports whether a series leaks by the peers that left.
func (y *residency) leaksAnyway(series string) bool {
	for _, o := range y.others {
		if o.Series == series && o.Outcome == verdict.Leaking {
			return true
		}
	}
	return false
}

// attribute decides whether what grew was held by the residents: it was if most of it is
// released when they leave.
func (y *residency) attribute(t *verdict.Trend) {
	if t.Outcome != verdict.Leaking {
		return
	}
	grew, kept := y.released(t, y.rest)
	noise := 0.0
	if t.Unit == verdict.Bytes {
		noise = t.Noise
	}
	switch {
	case t.Interval == nil || t.Interval.Low <= 0 || math.IsNaN(grew) || math.IsNaN(kept) || math.Abs(kept-grew/2) < noise:
		t.Outcome, t.Why = verdict.Inconclusive, "it grew while residents saw events, and whether that was released when they left could not be read"
	case kept > grew/2:
		t.Outcome = verdict.Inconclusive
		t.Why = fmt.Sprintf("it grew by %s while residents saw events, and %s stayed when they had left: it is not of the residents",
			units.Quantity(grew, t.Unit), units.Quantity(kept, t.Unit))
		t.More, t.Again = 0, fmt.Sprintf("loadgen check --peers %d %s", 2*checkProfile().phase.Peers, dial.HideURL(y.fleet.url))
	default:
		t.Why = fmt.Sprintf("it grows with the events that a resident sees, block after block, and was released when the %d residents left", y.number)
	}
}

// controls tests a collection that holds each event of a resident, and one that holds each
// resident, as the series of the target are tested.
func (y *residency) controls() []verdict.Control {
	planted := y.test(verdict.Question{Series: "planted", Strict: true, Fills: true, Bound: 1},
		func(i int) (float64, float64) { return y.marks[i].collected, y.marks[i+1].collected })
	clean := y.test(verdict.Question{Series: "clean", Strict: true},
		func(i int) (float64, float64) { return y.marks[i].staying, y.marks[i+1].staying })
	return []verdict.Control{
		{Name: "what residents collect", Planted: true, Caught: planted.Outcome == verdict.Leaking, Detail: planted.Why},
		{Name: "residents that only stay", Caught: clean.Outcome == verdict.Leaking, Detail: clean.Why},
	}
}

// more returns the command that decides a series.
func (y *residency) more(t *verdict.Trend) string {
	times := 2.0
	if t.More > 0 && t.Peers > 0 {
		times = float64(t.Peers+t.More) / float64(t.Peers)
	}
	pairs := math.Max(residentPairs, float64(t.Pairs))
	visitors := int(math.Ceil(times * pairs / residentPairs * float64(y.Peers)))
	return y.command(visitors, times)
}

// command returns the command that repeats the experiment with more visitors, times as long.
func (y *residency) command(visitors int, times float64) string {
	took := time.Duration(2*float64(visitors)/y.Rate)*time.Second + residentPairs*2*blockOverhead
	return fmt.Sprintf("loadgen residents --residents %d --peers %d --duration %s %s (about %.0f min)",
		y.number, visitors, (max(2*took, time.Duration(times*float64(y.Duration)))).Round(time.Minute), dial.HideURL(y.fleet.url), math.Ceil(took.Minutes()))
}

// compare notes what a peer costs while it is connected, beside what it costs after it left.
func (y *residency) compare() {
	for i := range y.trends {
		t := &y.trends[i]
		more := y.joined.value(t.Series) - y.empty.value(t.Series)
		if math.IsNaN(more) {
			continue
		}
		f := report.Figure{Name: perConnected + t.Series, Value: more / float64(y.number), Unit: t.Unit}
		switch {
		case t.Unit != verdict.Bytes:
			f.Text = fmt.Sprintf("%.2f while it is connected", f.Value)
		case math.Abs(more) < 2*t.Noise:
			f.Text = fmt.Sprintf("less than %s while it is connected, because memory moves by so much", units.Bytes(2*t.Noise/float64(y.number)))
		default:
			f.Text = units.Bytes(f.Value) + " while it is connected"
		}
		f.Text += y.afterLeaving(t)
		y.note(f)
	}
}

// perConnected begins the names of figures of what a peer costs.
const perConnected = "per peer: "

// afterLeaving returns what the series retains of a peer that left, as far as that is known.
func (y *residency) afterLeaving(t *verdict.Trend) string {
	for _, o := range y.others {
		switch {
		case o.Series != t.Series || o.Interval == nil:
		case o.Outcome == verdict.Leaking:
			return fmt.Sprintf(", and %s after it left", quantityEach(o.Retained/1000, o.Unit))
		default:
			return fmt.Sprintf(", and at most %s after it left", quantityEach(math.Max(0, o.Interval.High)/1000, o.Unit))
		}
	}
	return ""
}

// quantityEach writes a figure per peer.
func quantityEach(v float64, unit string) string {
	if unit == verdict.Bytes {
		return units.Bytes(v)
	}
	return fmt.Sprintf("%.3g", v)
}
