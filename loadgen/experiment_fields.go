package loadgen

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// behaviour is what the readings of a field of a page show that it is. Its name does not
// show it.
type behaviour int

const (
	constant   behaviour = iota
	collection           // it rises with peers, and falls when they leave
	countsUp             // it rises and never falls: how many there were, or a time
	restless             // it rises while no peer is there: bytes, a time
)

// behaviour returns what a series of counts is. A server that retains every peer makes a
// collection look like a total: see neverFell.
func (e *experiment) behaviour(name string) behaviour {
	start := e.blocks[0].before.value(name)
	peak, was := start, e.first.value(name)
	if e.peak != nil {
		peak = e.peak.value(name)
	}
	moves := e.target.movesOf(name)
	fell, moved, idle := moves.fell || start < peak || start < was, peak != start, 0
	off, rose, roseIdle := 0, 0.0, 0.0 // by how much in all, with and without peers
	for _, b := range e.blocks {
		before, after := b.before.value(name), b.after.value(name)
		if math.IsNaN(after - before) {
			continue
		}
		moved = moved || after != start
		fell = fell || after < before
		if b.dose > 0 {
			rose += max(0, after-before)
			continue
		}
		off++
		if after > before {
			idle++
			roseIdle += after - before
		}
	}
	switch {
	case !moved:
		return constant
	case 3*idle > off && roseIdle > rose/little || moves.restless() || start > most || peak-start > perPeer*float64(max(1, e.seen)):
		return restless
	case e.peak != nil && !fell:
		return countsUp
	}
	return collection
}

// little is the part of its growth with peers by which a collection may rise without them: a
// reading may be off by one.
const little = 10

// What is larger is bytes or a time.
const (
	most    = 1e9 // of a count; a time of today in seconds is above it
	perPeer = 256 // entries of one connected peer
)

// neverFell returns a doubt for each count that rises with the peers and was never seen to
// fall: it may be a collection from which nothing is ever released. Of other counts, such as
// goroutines that can never end, that is no doubt, because their names say what they are.
func (e *experiment) neverFell() []verdict.Reason {
	if len(e.blocks) == 0 || len(e.cycles) < minPairs {
		return nil
	}
	var list []verdict.Reason
	for _, name := range slices.Sorted(maps.Keys(e.blocks[0].before)) {
		if k := report.KindOf(name); k.Skip || k.Class != verdict.Collection || e.behaviour(name) != countsUp {
			continue
		}
		if t := e.trend(name, 1); t.Outcome == verdict.Leaking {
			list = append(list, verdict.Reason{About: name,
				What: fmt.Sprintf("%s rises with the peers (%s) and was never seen to fall: a total, or a collection that retains them",
					t.Name(), units.Quantity(t.Retained, t.Unit)+" per 1,000"),
				Do: "give a total a name with total in it; --pid ID, or a page with pprof, shows what is retained"})
		}
	}
	return list
}
