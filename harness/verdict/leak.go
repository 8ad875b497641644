package verdict

import (
	"cmp"
	"slices"
	"strings"
)

// defaultRate is the number of peers a second that severities assume; see Run.Rate.
const defaultRate = 10

const secondsADay = 24 * 60 * 60

// classRank ranks the classes that may name a leak, causes before consequences: a
// goroutine that does not end holds objects, and the goroutine is what to repair.
var classRank = map[Class]int{
	Subscription: 0, Goroutine: 1, Timer: 2, Unclosed: 3, Object: 4, Descriptor: 5,
	Collection: 6, Memory: 7, Mapping: 8, Gauge: 9, Invariant: 10, CPU: 11,
}

// allocationRank is the rank of an allocation of which only the line is known.
const allocationRank = 7

// rank returns the place of a candidate among those that may name the leak.
func (c *candidate) rank() int {
	if c.Class == Object && c.Type == "" && c.path == "" {
		return allocationRank // the collection that it is in says more
	}
	r, ok := classRank[c.Class]
	if !ok {
		return len(classRank)
	}
	return r
}

// principal returns the candidate that names the leak.
func (g group) principal() *candidate {
	most := slices.MaxFunc(g, func(a, b *candidate) int {
		return cmp.Or(falseFirst(g.isBelow(b), g.isBelow(a)), cmp.Compare(a.Count, b.Count))
	})
	return slices.MinFunc(g, func(a, b *candidate) int {
		return cmp.Or(
			falseFirst(g.isBelow(a), g.isBelow(b)),
			falseFirst(a.isMinorPart(most), b.isMinorPart(most)),
			cmp.Compare(a.rank(), b.rank()),
			falseFirst(!a.source.certain(), !b.source.certain()),
			falseFirst(a.path == "", b.path == ""),
			cmp.Compare(len(a.path), len(b.path)), // a shorter path leads to what holds the others
			cmp.Compare(b.Count, a.Count),
			falseFirst(a.Detector != Watch, b.Detector != Watch), // it knows the scenario of each object
			cmp.Compare(a.Detector, b.Detector),
			cmp.Compare(a.Born.String(), b.Born.String()),
		)
	})
}

// isBelow reports whether a candidate is a collection in what another collection of the leak holds,
// such as the buffer of a session, or an object that hangs on another one.
func (g group) isBelow(c *candidate) bool {
	return slices.ContainsFunc(g, func(o *candidate) bool {
		if o.Class != c.Class {
			return false
		}
		if c.Class == Object {
			return c.hangsOn(o) && !o.hangsOn(c)
		}
		outer := strings.TrimSuffix(o.field, "*") // of the links of a chain
		return c.Class == Collection && len(c.field) > len(o.field) && within(c.field, outer)
	})
}

// isMinorPart reports whether a candidate covers less than an eighth of the leak: an object
// attached to a few of the leaked things must not name the leak, unless it is what retains
// them.
func (c *candidate) isMinorPart(most *candidate) bool {
	return 8*c.Count < most.Count && c.Bytes > 0 && (c.path == "" || !c.holds(most))
}

// falseFirst compares two conditions. The one that does not hold sorts first.
func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// judge holds what the leaks of a run have in common.
type judge struct {
	run     *Run
	problem *attributionProblem // of the doses of the run
	rate    float64
}

// leak returns the leak that a group reports.
func (j *judge) leak(g group) Leak {
	p := g.principal()
	l := Leak{
		Class: p.Class, Type: ShortName(p.Type), Field: p.Field, Path: p.Path,
		Born: p.Born, Stored: p.Stored, Caller: p.Caller,
	}
	counted := j.count(g, p, &l)
	l.complete(g)
	j.weigh(g, &l)
	for _, c := range g {
		l.Evidence = append(l.Evidence, Evidence{c.Finding, slices.Contains(counted, c)})
	}
	l.Clean = j.clean(g)
	l.Fingerprint = fingerprint(&l, p.Detector, p.Detail)
	return l
}

// count sets how much is retained, of how many peers of which scenarios, and returns the
// candidates that make the count: the principal p, and findings of its detector about the
// same thing.
func (j *judge) count(g group, p *candidate, l *Leak) []*candidate {
	counted := []*candidate{p}
	for _, c := range g {
		same := c.Detector == p.Detector && c.Class == p.Class && c.Type == p.Type && c.path == p.path && c.field == p.field
		if c != p && same && c.rank() < allocationRank {
			counted = append(counted, c)
		}
	}
	total := *p
	total.Finding = mergeCounts(counted)
	l.Count, l.Source = total.Count, p.source
	if len(counted) > 1 {
		l.Source = j.source(&total, nil)
	}
	if twin := g.labelledTwin(p); twin != nil {
		l.Source = twin.source
	}
	l.Peers, l.Cycles = j.peers(l.Source)
	l.Unit = j.unit(l.Source)
	if p.peers > 0 {
		l.Peers = p.peers
	}
	for _, n := range total.PerCycle {
		if n > 0 {
			l.Grew++
		}
	}
	if len(total.PerCycle) == 0 {
		l.Cycles = 0 // the detector does not count by cycle
	}
	l.Cycles = max(l.Cycles, l.Grew)
	return counted
}

// mergeCounts returns the first finding with the counts of all.
func mergeCounts(candidates []*candidate) Finding {
	f := candidates[0].Finding
	f.PerCycle = slices.Clone(f.PerCycle)
	f.PerScenario = nil
	byScenario := make(map[string]int64)
	for i, c := range candidates {
		for s, n := range c.PerScenario {
			byScenario[s] += n
		}
		if i == 0 {
			continue
		}
		f.Count += c.Count
		for k := range min(len(f.PerCycle), len(c.PerCycle)) {
			f.PerCycle[k] += c.PerCycle[k]
		}
	}
	if len(byScenario) > 0 {
		f.PerScenario = byScenario
	}
	return f
}

// unit returns the unit of all scenarios of an attribution, "" if it is peers or not one.
func (j *judge) unit(a Attribution) string {
	unit := ""
	for i, name := range a.Scenarios() {
		u := j.unitOf(name)
		if i > 0 && u != unit {
			return ""
		}
		unit = u
	}
	return unit
}

// unitOf returns the unit of a scenario.
func (j *judge) unitOf(scenario string) string {
	for _, s := range j.run.Scenarios {
		if s.Name == scenario {
			return s.Unit
		}
	}
	return ""
}

// peers returns how many peers went through the scenarios of an attribution, and in how many
// cycles. Without scenarios it counts all peers.
func (j *judge) peers(a Attribution) (peers int64, cycles int) {
	for _, c := range j.run.Cycles {
		dose := int64(0)
		for _, name := range a.Scenarios() {
			dose += c.Doses[name]
		}
		if len(a.Shares) == 0 {
			for name, n := range c.Doses {
				if j.unitOf(name) == "" {
					dose += n
				}
			}
		}
		peers += dose
		if dose > 0 {
			cycles++
		}
	}
	if peers > 0 {
		return peers, cycles
	}
	for _, s := range j.run.Scenarios {
		if slices.Contains(a.Scenarios(), s.Name) {
			peers += s.Landed
		}
	}
	if peers == 0 {
		peers = j.run.Lives
	}
	return peers, cycles
}

// complete fills what the principal leaves empty from the other candidates.
func (l *Leak) complete(g group) {
	others := slices.Clone(g)
	slices.SortStableFunc(others, func(a, b *candidate) int { return a.rank() - b.rank() })
	for _, c := range others {
		if len(l.Path) == 0 {
			l.Path = c.Path
			if l.Class != Goroutine { // its type is a function
				l.Type = cmp.Or(l.Type, ShortName(c.Type)) // the path leads to this type
			}
		}
		if l.Class != Goroutine {
			l.Type = cmp.Or(l.Type, ShortName(c.Type))
		}
		if g.isBelow(c) { // it is in another collection, put there by another line
			continue
		}
		if l.Stored == (Site{}) {
			l.Stored = c.Stored
		}
		l.Field = cmp.Or(l.Field, c.Field)
	}
	// A gauge knows a place in the source only, and may count bytes, so it comes last.
	slices.SortStableFunc(others, func(a, b *candidate) int {
		return cmp.Or(falseFirst(a.Class == Gauge, b.Class == Gauge), cmp.Compare(b.Count, a.Count))
	})
	for _, c := range others {
		if l.Born == (Site{}) {
			l.Born = c.Born
		}
		if l.Caller == (Site{}) && c.Born == l.Born {
			l.Caller = c.Caller
		}
	}
}

// weigh sets what the leak costs. Detectors see the same bytes, so the largest sum of one
// detector counts.
func (j *judge) weigh(g group, l *Leak) {
	bytes := make(map[string]int64)
	for _, c := range g {
		bytes[c.Detector] += c.Bytes
		l.Bytes = max(l.Bytes, bytes[c.Detector])
	}
	peers := float64(max(1, l.Peers))
	l.BytesPerPeer = float64(l.Bytes) / peers
	l.BytesPerDay = l.BytesPerPeer * j.rate * secondsADay
	l.CountPerDay = float64(l.Count) / peers * j.rate * secondsADay
}

// clean returns the detectors that looked and saw nothing of the leak.
func (j *judge) clean(g group) []string {
	var names []string
	for _, d := range j.run.Detectors {
		saw := slices.ContainsFunc(g, func(c *candidate) bool { return c.Detector == d.Name })
		if d.State == Ready && !d.Aside && !saw {
			names = append(names, d.Name)
		}
	}
	return names
}
