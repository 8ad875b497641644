package verdict

import (
	"cmp"
	"math"
	"slices"
)

// defaultRate is how many peers a second the severity is told for.
const defaultRate = 10

const secondsADay = 24 * 60 * 60

// telling ranks the classes: what is wrong first, what follows from it after. A
// goroutine that does not end holds objects; the objects are not what to repair.
var telling = map[Class]int{
	Subscription: 0, Goroutine: 1, Timer: 2, Unclosed: 3, Object: 4, Descriptor: 5,
	Collection: 6, Gauge: 8, Invariant: 9, CPU: 10,
}

// rank is the place of a clue among those that may name the leak.
func (c *clue) rank() int {
	if c.Class == Object && c.Type == "" && c.path == "" {
		return 7 // a bare allocation: the collection it is in says more
	}
	r, ok := telling[c.Class]
	if !ok {
		return len(telling)
	}
	return r
}

// principal is the clue in whose words the leak is told.
func (g group) principal() *clue {
	most := slices.MaxFunc(g, func(a, b *clue) int { return cmp.Compare(a.Count, b.Count) })
	return slices.MinFunc(g, func(a, b *clue) int {
		return cmp.Or(
			cmp.Compare(a.minor(most), b.minor(most)),
			cmp.Compare(a.rank(), b.rank()),
			cmp.Compare(unsure(a), unsure(b)),
			cmp.Compare(unheld(a), unheld(b)),
			cmp.Compare(len(a.path), len(b.path)), // what holds the others
			cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Detector, b.Detector),
			cmp.Compare(a.Born.String(), b.Born.String()),
		)
	})
}

// minor is 1 for a clue that speaks of a small part of a leak: what hangs on a few of
// the things does not name them all, unless it is what holds them.
func (c *clue) minor(most *clue) int {
	if 8*c.Count < most.Count && c.Bytes > 0 && (c.path == "" || !c.holds(most)) {
		return 1
	}
	return 0
}

func gauged(c *clue) int {
	if c.Class == Gauge {
		return 1
	}
	return 0
}

func unheld(c *clue) int {
	if c.path != "" {
		return 0
	}
	return 1
}

func unsure(c *clue) int {
	if c.source.certain() {
		return 0
	}
	return 1
}

// judge holds what all leaks of a run are made with.
type judge struct {
	run     *Run
	problem *problem
	rate    float64
}

// leak tells one group as one leak.
func (j *judge) leak(g group) Leak {
	p := g.principal()
	l := Leak{Class: p.Class, Type: ShortName(p.Type), Born: p.Born, Path: p.Path, Stored: p.Stored, Caller: p.Caller, Field: p.Field}
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

// count says how much is retained, of how many peers, of which scenarios. Several
// findings of the principal's detector about the same thing are one count.
func (j *judge) count(g group, p *clue, l *Leak) []*clue {
	counted := []*clue{p}
	for _, c := range g {
		if c != p && c.Detector == p.Detector && c.Class == p.Class && c.Type == p.Type && c.path == p.path && c.field == p.field && c.rank() < 7 {
			counted = append(counted, c)
		}
	}
	total := *p
	total.Finding = mergeCounts(counted)
	l.Count, l.Source = total.Count, p.source
	if len(counted) > 1 {
		l.Source = j.source(&total)
	}
	for _, c := range g {
		close := 0.03
		if p.Class == Goroutine && c.heldByGoroutine(p) || within(p.path, c.field) {
			close = 0.25 // it is about these, but for some that hold nothing, or have no key
		}
		if len(p.PerScenario) == 0 && len(c.PerScenario) > 0 && c.source.Solved && sameCounts(p, c, close) {
			l.Source = c.source // it was told where ours was solved for
		}
	}
	l.Peers, l.Cycles = j.peers(l.Source)
	if p.peers > 0 {
		l.Peers = p.peers
	}
	for _, n := range total.PerCycle {
		if n > 0 {
			l.Grew++
		}
	}
	if len(total.PerCycle) == 0 {
		l.Cycles = 0 // nobody counted by cycle
	}
	l.Cycles = max(l.Cycles, l.Grew)
	return counted
}

// sameCounts reports whether both have grown by the same, or nearly, in each cycle.
func sameCounts(a, b *clue, close float64) bool {
	if len(a.PerCycle) != len(b.PerCycle) || len(a.PerCycle) == 0 {
		return false
	}
	for k, n := range a.PerCycle {
		if d := math.Abs(float64(n - b.PerCycle[k])); d > 1 && d > close*float64(n) {
			return false
		}
	}
	return true
}

func mergeCounts(clues []*clue) Finding {
	f := clues[0].Finding
	f.PerCycle = slices.Clone(f.PerCycle)
	f.PerScenario = nil
	byScenario := make(map[string]int64)
	for i, c := range clues {
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

// source says which scenarios a clue speaks of.
func (j *judge) source(c *clue) Attribution {
	if a := told(j.run, c); a.Solved {
		return a
	}
	return j.problem.solve(c.PerCycle, c.noise)
}

// peers returns how many peers went through the scenarios of a source, and in how
// many cycles.
func (j *judge) peers(a Attribution) (peers int64, cycles int) {
	for _, c := range j.run.Cycles {
		dose := int64(0)
		for _, name := range a.Scenarios() {
			dose += c.Doses[name]
		}
		if len(a.Shares) == 0 {
			for _, n := range c.Doses {
				dose += n
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

// complete takes from the other clues what the principal does not know.
func (l *Leak) complete(g group) {
	others := slices.Clone(g)
	slices.SortStableFunc(others, func(a, b *clue) int { return a.rank() - b.rank() })
	for _, c := range others {
		if len(l.Path) == 0 {
			l.Path = c.Path
			if l.Class != Goroutine { // which is not what it holds
				l.Type = cmp.Or(l.Type, ShortName(c.Type)) // the path leads to this type
			}
		}
		if l.Stored == (Site{}) {
			l.Stored = c.Stored
		}
		if l.Class != Goroutine {
			l.Type = cmp.Or(l.Type, ShortName(c.Type))
		}
		l.Field = cmp.Or(l.Field, c.Field)
	}
	// Gauges know a place from the source only, and may count bytes.
	slices.SortStableFunc(others, func(a, b *clue) int {
		return cmp.Or(cmp.Compare(gauged(a), gauged(b)), cmp.Compare(b.Count, a.Count))
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

// weigh says what the leak costs. Detectors see the same bytes, so the one that
// sees the most of them is taken.
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

// clean lists the detectors that looked and saw nothing of the leak.
func (j *judge) clean(g group) []string {
	var names []string
	for _, d := range j.run.Detectors {
		saw := slices.ContainsFunc(g, func(c *clue) bool { return c.Detector == d.Name })
		if d.State == Ready && !saw {
			names = append(names, d.Name)
		}
	}
	return names
}
