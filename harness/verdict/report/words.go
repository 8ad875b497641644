package report

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// what says in a few words what leaks.
func title(l *verdict.Leak) string {
	switch l.Class {
	case verdict.Goroutine:
		return goroutine(l) + " does not end"
	case verdict.Object:
		return object(l) + " retained"
	case verdict.Collection:
		return cmp.Or(cutKeys(verdict.ShortName(l.Field)), cmp.Or(l.Type, "collection")) + " grows"
	case verdict.Descriptor:
		return cmp.Or(l.Type, "descriptor") + " left open"
	case verdict.Unclosed:
		return cmp.Or(l.Type, "descriptor") + " dropped, never closed"
	case verdict.Timer:
		return "timer" + after(l.Type) + " still armed"
	case verdict.Subscription:
		return "subscription" + after(cmp.Or(l.Field, l.Type)) + " never removed"
	case verdict.Gauge:
		return "gauge" + after(l.Field) + " is wrong"
	case verdict.Invariant:
		return "invariant broken"
	case verdict.CPU:
		return "work with nobody connected"
	}
	return string(l.Class) + after(cmp.Or(l.Type, l.Field))
}

// goroutine names a goroutine by its function, if the detector says it as the
// type, or else by the one that started it.
func goroutine(l *verdict.Leak) string {
	switch {
	case l.Type != "" && !verdict.IsType(l.Type):
		return "goroutine " + l.Type
	case l.Born.Function != "":
		return "goroutine of " + verdict.ShortName(l.Born.Function)
	}
	return "goroutine" + after(l.Field)
}

func object(l *verdict.Leak) string {
	if place := cmp.Or(verdict.ShortName(l.Born.Function), l.Born.Place()); l.Type == "" && place != "" {
		return "object of " + place
	}
	return cmp.Or(l.Type, cmp.Or(l.Field, "heap"))
}

func after(name string) string {
	if name == "" {
		return ""
	}
	return " " + cutKeys(verdict.ShortName(name))
}

// longKeys are keys of which the beginning will do. Peers choose them.
var longKeys = regexp.MustCompile(`\["([^"\\]{4})(?:[^"\\]|\\.){9,}"\]`)

func cutKeys(s string) string { return longKeys.ReplaceAllString(s, `["$1…"]`) }

// keptBy writes the retaining path up to the thing, or the collection it is in.
func keptBy(l *verdict.Leak) string {
	if len(l.Path) == 0 && l.Class == verdict.Collection {
		return "" // the title says it
	}
	if len(l.Path) == 0 {
		return cutKeys(verdict.ShortName(l.Field))
	}
	path := cutKeys(verdict.PathText(l.Path))
	if l.Type == "" {
		return path
	}
	return path + " -> " + l.Type
}

// wentIn says where the thing was put into what keeps it.
func wentIn(l *verdict.Leak) string {
	if l.Stored.File != "" {
		return l.Stored.Place() + " is where it went in"
	}
	for i := len(l.Path) - 1; i >= 0; i-- {
		if s := l.Path[i].Site; s.File != "" {
			return s.Place() + " made what holds it"
		}
	}
	return ""
}

// cost says what the leak comes to.
func cost(l *verdict.Leak, rate float64) string {
	day := fmt.Sprintf("a hub with %s such leaves a second ", units.Number(rate))
	if l.Source.Fixed || !l.Source.Solved {
		day = fmt.Sprintf("a hub with %s peers a second ", units.Number(rate))
	}
	if l.Bytes <= 0 {
		return fmt.Sprintf("not measured; %sgains %s of these a day", day, units.Count(int64(math.Round(l.CountPerDay))))
	}
	each := ""
	if l.Count > 0 {
		each = units.Number(math.Round(float64(l.Bytes)/float64(l.Count))) + " each, "
	}
	return fmt.Sprintf("%s%s in this run; %sloses %s a day", each, units.Bytes(float64(l.Bytes)), day, units.Bytes(l.BytesPerDay))
}

// seenBy says which detectors saw the leak. The principal's figures are in the
// title already.
func seenBy(l *verdict.Leak) string {
	var words []string
	for _, e := range l.Evidence {
		w := e.Detector
		if !e.Principal {
			w = strings.TrimSpace(w + " " + cutKeys(verdict.ShortName(e.Field)))
			if g := growth(&e.Finding); g != "" {
				w += " " + g
			}
		}
		if len(words) > 0 && words[len(words)-1] == w {
			continue
		}
		words = append(words, w)
	}
	return strings.Join(words, ", ")
}

// figures says how much of what is retained.
func figures(l *verdict.Leak) string {
	if l.Count <= 0 {
		return ""
	}
	s := units.Count(l.Count) + " of " + units.Count(l.Peers)
	if l.Count > l.Peers {
		s = units.Count(l.Count) + " from " + units.Plural(l.Peers, "peer")
	}
	if l.Cycles > 0 {
		s += fmt.Sprintf(" in %d of %d cycles", l.Grew, l.Cycles)
	}
	return s
}

// rate says how much is retained per peer, of which scenario.
func howMuch(l *verdict.Leak) string {
	var words []string
	if l.Count > 0 && !l.Source.Fixed {
		words = append(words, perPeer(l))
	}
	if s := l.Source.String(); s != "" {
		words = append(words, s)
	} else {
		words = append(words, "scenario not known")
	}
	return strings.Join(words, ", ")
}

func perPeer(l *verdict.Leak) string {
	if l.Source.Uniform() {
		return units.PerPeer(float64(l.Count) / float64(max(1, l.Peers)))
	}
	if len(l.Source.Shares) > 3 { // a list of figures says nothing any more
		worst := slices.MaxFunc(l.Source.Shares, func(a, b verdict.Share) int { return cmp.Compare(a.PerPeer, b.PerPeer) })
		average := units.PerPeer(float64(l.Count) / float64(max(1, l.Peers)))
		if worst.PerPeer < 1.5*l.Source.PerPeer {
			return average
		}
		return average + " (" + worst.Scenario + ": " + units.Rate(worst.PerPeer) + ")"
	}
	var words []string
	for _, s := range l.Source.Shares {
		words = append(words, units.Rate(s.PerPeer))
	}
	return units.List(words) + " per peer"
}

// retained writes "64 kB per 1,000 peers (60 kB to 68 kB), smallest leak 4 kB".
func retained(t *verdict.Trend) string {
	s := units.Quantity(t.Retained, t.Unit) + " per 1,000 peers"
	if t.Interval == nil {
		return s + " so far"
	}
	return fmt.Sprintf("%s (%s), smallest leak seen %s", s, interval(t), smallest(t))
}

// rest says whether a series is back where it was.
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

// text says where it grew and by how much.
func grown(g *verdict.Grown, unit string) string {
	amount := g.Count
	if unit == verdict.Bytes {
		amount = g.Bytes
	}
	s := spread(verdict.ShortName(g.Born.Function), g.Born.Place(), 24)
	if g.Caller != (verdict.Site{}) {
		s += "   for " + spread(verdict.ShortName(g.Caller.Function), g.Caller.Place(), 24)
	}
	return s + "   " + units.Quantity(amount, unit) + " per 1,000 peers"
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

func shortCommit(commit string) string { return commit[:min(7, len(commit))] }

// growth writes "+1,009 a cycle", or the range where cycles differ.
func growth(f *verdict.Finding) string {
	if len(f.PerCycle) == 0 {
		switch {
		case f.Count != 0:
			return units.Signed(f.Count)
		case f.Bytes != 0:
			return "+" + units.Bytes(float64(f.Bytes))
		}
		return ""
	}
	low, high := f.PerCycle[0], f.PerCycle[0]
	for _, n := range f.PerCycle {
		low, high = min(low, n), max(high, n)
	}
	if low == high {
		return units.Signed(low) + " a cycle"
	}
	return units.Signed(low) + " to " + units.Signed(high) + " a cycle"
}

// whichRun says what tells this run from others.
func whichRun(v *verdict.Verdict) []string {
	about := []string{units.Plural(v.Run.Lives, "life", "lives"), units.Seconds(v.Run.Seconds)}
	var trials int64
	for _, c := range v.Cycles {
		if c.Trial {
			trials++
		}
	}
	if trials > 0 {
		about = append(about, units.Plural(trials, "trial"))
	}
	about = append(about, "seed "+v.Run.Seed)
	if v.Run.Commit != "" {
		about = append(about, "commit "+shortCommit(v.Run.Commit))
	}
	return about
}

// cycleNames names the cycles, and tells trials from the others.
func cycleNames(v *verdict.Verdict) []string {
	names, trials := make([]string, len(v.Cycles)), 0
	for k, c := range v.Cycles {
		names[k] = fmt.Sprintf("cycle %d", k+1-trials)
		if c.Trial {
			trials++
			names[k] = fmt.Sprintf("trial %d", trials)
		}
	}
	return names
}
