package loadgen

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
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
// collection look like a total: see everyPeer.
func (e *experiment) behaviour(name string) behaviour {
	start := e.blocks[0].before.value(name)
	peak, was := start, e.first.value(name)
	if e.peak != nil {
		peak = e.peak.value(name)
	}
	fell, moved, idle := start < peak || start < was, peak != start, 0
	off := 0
	for _, b := range e.blocks {
		before, after := b.before.value(name), b.after.value(name)
		if math.IsNaN(after - before) {
			continue
		}
		moved = moved || after != start
		fell = fell || after < before
		if b.dose == 0 {
			off++
			if after > before {
				idle++
			}
		}
	}
	switch {
	case !moved:
		return constant
	case 3*idle > off:
		return restless
	case e.peak != nil && !fell:
		return countsUp
	}
	return collection
}

// everyPeer returns a doubt for each total that rose by one for each peer: it may be the
// collection of all peers, with nothing ever released.
func (e *experiment) everyPeer() []verdict.Reason {
	if len(e.blocks) == 0 {
		return nil
	}
	var list []verdict.Reason
	for name := range e.blocks[0].before {
		if k := report.KindOf(name); k.Skip || k.Prefer > 0 || e.behaviour(name) != countsUp {
			continue
		}
		var peers, rose float64
		for _, b := range e.blocks {
			peers += b.dose
			if change := b.after.value(name) - b.before.value(name); !math.IsNaN(change) {
				rose += change
			}
		}
		if math.Abs(rose-peers) > peers/100 {
			continue
		}
		list = append(list, verdict.Reason{About: name,
			What: fmt.Sprintf("%s rose by %g with %g peers and never fell: a total, or a collection that retains every peer", name, rose, peers),
			Do:   "add --pid ID or a page with pprof, which show what is retained; a total has total in its name"})
	}
	slices.SortFunc(list, func(a, b verdict.Reason) int { return strings.Compare(a.About, b.About) })
	return list
}
