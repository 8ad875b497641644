package verdict

import (
	"maps"
	"math"
	"slices"
)

// TestTogether answers a question from blocks whose peers went through several scenarios at
// once. On block k has the doses of cycle k. It needs as few peers as Test does for a single
// scenario, and finds a leak of any of them: it regresses the readings on all peers, on those
// of each scenario, and on those of each two and each three scenarios together, whose doses
// differ from block to block (see Doses). Each of these four kinds gets a quarter of the error
// probability and divides it among its members. A leak is reported for the regression that
// fits best, and for several scenarios only if no single one fits about as well. Judge decides
// which scenarios it comes from. That there is no leak is reported for all peers.
func TestTogether(q Question, blocks []Block, cycles []Cycle) Trend {
	q = q.withDefaults()
	scenarios := scenariosOf(cycles)
	q.Scenario = ""
	if len(scenarios) < 2 {
		return Test(q, blocks)
	}
	q.Among *= 4
	all := Test(q, blocks)
	best, one := all, math.Inf(1) // what the best single scenario leaves unexplained
	for size := 1; size <= 3 && size < len(scenarios); size++ {
		some := combinations(scenarios, size)
		ask := q
		ask.Among *= len(some)
		for _, names := range some {
			of := doseOf(names, blocks, cycles)
			if r := regress(pairs("", of), q.Step); r.slope < hopeless*r.error {
				continue
			}
			left := unexplained(of, q.Step)
			if size == 1 {
				one = min(one, left)
			} else if one <= asWell*left {
				continue // a single scenario explains it about as well
			}
			// A cache or ring takes the peers of all scenarios.
			ask.Fills = q.Fills && !selective(of, blocks)
			if t := Test(ask, of); t.Outcome == Leaking && (best.Outcome != Leaking || t.sharper(best)) {
				best = t
				best.name(names, cycles)
			}
		}
	}
	best.PerCycle = all.PerCycle
	return best
}

// hopeless is a number of standard errors of growth that proves nothing at any error
// probability, which saves computing the interval.
const hopeless = 3

// name sets the scenarios that a trend is about.
func (t *Trend) name(scenarios []string, cycles []Cycle) {
	if len(scenarios) == 1 {
		t.Scenario = scenarios[0]
		return
	}
	t.Together = map[string]int64{}
	for _, c := range cycles {
		for _, s := range scenarios {
			t.Together[s] += c.Doses[s]
		}
	}
}

// combinations returns all choices of size names.
func combinations(names []string, size int) [][]string {
	if size == 0 {
		return [][]string{nil}
	}
	var list [][]string
	for i, name := range names {
		for _, rest := range combinations(names[i+1:], size-1) {
			list = append(list, append([]string{name}, rest...))
		}
	}
	return list
}

// scenariosOf returns the scenarios that had peers, sorted.
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

// doseOf returns the blocks with the peers of some scenarios only.
func doseOf(scenarios []string, blocks []Block, cycles []Cycle) []Block {
	list := make([]Block, len(blocks))
	k := 0
	for i, b := range blocks {
		list[i] = b
		if b.Dose <= 0 {
			continue
		}
		if k < len(cycles) {
			peers := int64(0)
			for _, name := range scenarios {
				peers += cycles[k].Doses[name]
			}
			list[i].Dose = max(float64(peers), 1e-9) // still an on block
		}
		k++
	}
	return list
}

// sharper reports whether the relative interval of t is narrower than that of o.
func (t *Trend) sharper(o Trend) bool {
	if t.Interval == nil || o.Interval == nil {
		return t.Interval != nil
	}
	return (t.Interval.High-t.Interval.Low)*o.Retained < (o.Interval.High-o.Interval.Low)*t.Retained
}

// selective reports whether some scenarios, whose peers are the doses of some, explain the
// growth better than all peers do: the other peers add less than a quarter as much each.
func selective(some, all []Block) bool {
	a, b := pairs("", some), pairs("", all)
	var xx, xy, yy, xz, yz float64
	for i := range a {
		x, y := a[i].dose, b[i].dose-a[i].dose
		xx, xy, yy = xx+x*x, xy+x*y, yy+y*y
		xz, yz = xz+x*a[i].change, yz+y*a[i].change
	}
	det := xx*yy - xy*xy
	if det <= 0 {
		return false
	}
	ofSome, ofOthers := (yy*xz-xy*yz)/det, (xx*yz-xy*xz)/det
	return ofSome > 0 && ofOthers < ofSome/4
}
