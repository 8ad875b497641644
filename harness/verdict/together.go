package verdict

import (
	"maps"
	"slices"
)

// TestTogether answers a question from blocks whose peers went through several
// scenarios at once, cycle k of which is on block k with the doses that it says. It
// takes as many peers as one scenario would, and finds a leak of any: beside all
// peers it regresses the peers of each scenario, whose doses differ from block to
// block (see Doses), each at its share of the chance of an error. A leak is told of
// what explains the readings best, and Judge solves for where it comes from. That
// there is none is said of all peers.
func TestTogether(q Question, blocks []Block, cycles []Cycle) Trend {
	q = q.withDefaults()
	scenarios := scenariosOf(cycles)
	if len(scenarios) > 1 {
		q.Among *= 1 + len(scenarios)
	}
	q.Scenario = ""
	all := Test(q, blocks)
	best := all
	if len(scenarios) > 1 {
		for _, name := range scenarios {
			if t := Test(q, doseOf(name, blocks, cycles)); t.Outcome == Leaking && (best.Outcome != Leaking || t.sharper(best)) {
				best = t
				best.Scenario = name
			}
		}
	}
	best.PerCycle = all.PerCycle
	return best
}

// scenariosOf returns the scenarios that had peers, in an order of their own.
func scenariosOf(cycles []Cycle) []string {
	peers := map[string]int64{}
	for _, c := range cycles {
		for name, n := range c.Doses {
			peers[name] += n
		}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(peers)) {
		if peers[name] > 0 {
			names = append(names, name)
		}
	}
	return names
}

// doseOf returns the blocks as if only the peers of one scenario had been there.
func doseOf(scenario string, blocks []Block, cycles []Cycle) []Block {
	list := make([]Block, len(blocks))
	k := 0
	for i, b := range blocks {
		list[i] = b
		if b.Dose <= 0 {
			continue
		}
		if k < len(cycles) {
			list[i].Dose = max(float64(cycles[k].Doses[scenario]), 1e-9) // still an on block
		}
		k++
	}
	return list
}

// sharper reports whether t says more exactly than o how much there is.
func (t *Trend) sharper(o Trend) bool {
	if t.Interval == nil || o.Interval == nil {
		return t.Interval != nil
	}
	return (t.Interval.High-t.Interval.Low)*o.Retained < (o.Interval.High-o.Interval.Low)*t.Retained
}
