package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// trends writes a line for each trend.
func (p *page) trends(trends []verdict.Trend) {
	if flat := without(trends); len(flat) > textTrends {
		trends = slices.DeleteFunc(slices.Clone(trends), func(t verdict.Trend) bool { return t.Outcome == verdict.None })
		p.flat(flat)
	}
	width := 0
	for i := range trends {
		width = max(width, utf8.RuneCountInString(trends[i].Name()))
	}
	for i := range trends {
		t := &trends[i]
		head := fmt.Sprintf("SERIES   %-*s   %-12s", width, t.Name(), t.Outcome)
		more := t.Why
		if t.Outcome == verdict.Inconclusive {
			more += "; " + t.Advice()
		}
		p.columns(head, retained(t), more, atRest(t))
		for _, g := range t.Sites {
			p.item("grew", grown(&g, t))
		}
	}
}

// without returns the trends without a leak.
func without(trends []verdict.Trend) []verdict.Trend {
	return slices.DeleteFunc(slices.Clone(trends), func(t verdict.Trend) bool { return t.Outcome != verdict.None })
}

// flat sums up many trends without a leak, in one line for each unit: the smallest leak that
// the least exact of them would have seen.
func (p *page) flat(trends []verdict.Trend) {
	type worst struct {
		n        int
		smallest float64
	}
	type kind struct{ per, unit string }
	byKind := map[kind]worst{}
	for _, t := range trends {
		k := kind{t.PerThousand(), t.Unit}
		w := byKind[k]
		byKind[k] = worst{w.n + 1, max(w.smallest, t.Smallest)}
	}
	for _, k := range slices.SortedFunc(maps.Keys(byKind), func(a, b kind) int {
		return cmp.Or(-cmp.Compare(a.per, b.per), cmp.Compare(a.unit, b.unit)) // peers first
	}) {
		w := byKind[k]
		what := "counts"
		if k.unit != "" {
			what = "of " + k.unit
		}
		p.columns(fmt.Sprintf("SERIES   %d %s without a leak", w.n, what), "a leak of "+units.Quantity(w.smallest, k.unit)+" per "+k.per+" would have been seen")
	}
}

// retained returns "64 kB per 1,000 peers (60 kB to 68 kB), smallest leak seen 4 kB".
func retained(t *verdict.Trend) string {
	s := units.Quantity(t.Retained, t.Unit) + " per " + t.PerThousand()
	if t.Interval == nil {
		return s + " so far"
	}
	return fmt.Sprintf("%s (%s), smallest leak seen %s", s, interval(t), smallest(t))
}

// atRest returns whether a series is back at its baseline.
func atRest(t *verdict.Trend) string {
	was, now := units.Quantity(t.Baseline, t.Unit), units.Quantity(t.Final, t.Unit)
	switch {
	case t.Pairs == 0:
		return ""
	case was == now:
		return "back at " + now
	case t.Returned:
		return fmt.Sprintf("back: %s, was %s, and %s is what it moves by itself", now, was, units.Quantity(t.Noise, t.Unit))
	}
	return fmt.Sprintf("not back: %s, was %s", now, was)
}

// grown returns where a target grew and by how much.
func grown(g *verdict.Grown, t *verdict.Trend) string {
	amount := g.Count
	if t.Unit == verdict.Bytes {
		amount = g.Bytes
	}
	s := spread(verdict.ShortName(g.Born.Function), g.Born.Place(), 24)
	if g.Caller != (verdict.Site{}) {
		s += "   for " + spread(verdict.ShortName(g.Caller.Function), g.Caller.Place(), 24)
	}
	return s + "   " + units.Quantity(amount, t.Unit) + " per " + t.PerThousand()
}

func interval(t *verdict.Trend) string {
	if t.Interval == nil {
		return "none yet"
	}
	return units.Quantity(t.Interval.Low, t.Unit) + " to " + units.Quantity(t.Interval.High, t.Unit)
}

func smallest(t *verdict.Trend) string {
	if t.Smallest <= 0 {
		return "not known yet"
	}
	return units.Quantity(t.Smallest, t.Unit)
}
