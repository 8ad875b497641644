package verdict

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// what says in a few words what leaks.
func (l *Leak) what() string {
	switch l.Class {
	case Goroutine:
		return l.goroutine() + " does not end"
	case Object:
		return l.object() + " retained"
	case Collection:
		return or(cutKeys(shortName(l.Field)), or(l.Type, "collection")) + " grows"
	case Descriptor:
		return or(l.Type, "descriptor") + " left open"
	case Unclosed:
		return or(l.Type, "descriptor") + " dropped, never closed"
	case Timer:
		return "timer" + after(l.Type) + " still armed"
	case Subscription:
		return "subscription" + after(or(l.Field, l.Type)) + " never removed"
	case Gauge:
		return "gauge" + after(l.Field) + " is wrong"
	case Invariant:
		return "invariant broken"
	case CPU:
		return "work with nobody connected"
	}
	return string(l.Class) + after(or(l.Type, l.Field))
}

// goroutine names a goroutine by its function, if the detector says it as the
// type, or else by the one that started it.
func (l *Leak) goroutine() string {
	switch {
	case l.Type != "" && !isType(l.Type):
		return "goroutine " + l.Type
	case l.Born.Function != "":
		return "goroutine of " + shortName(l.Born.Function)
	}
	return "goroutine" + after(l.Field)
}

func (l *Leak) object() string {
	if place := or(shortName(l.Born.Function), l.Born.Place()); l.Type == "" && place != "" {
		return "object of " + place
	}
	return or(l.Type, or(l.Field, "heap"))
}

func after(name string) string {
	if name == "" {
		return ""
	}
	return " " + cutKeys(shortName(name))
}

// longKeys are keys of which the beginning will do. Peers choose them.
var longKeys = regexp.MustCompile(`\["([^"\\]{4})(?:[^"\\]|\\.){9,}"\]`)

func cutKeys(s string) string { return longKeys.ReplaceAllString(s, `["$1…"]`) }

// keptBy writes the retaining path up to the thing, or the collection it is in.
func (l *Leak) keptBy() string {
	if len(l.Path) == 0 && l.Class == Collection {
		return "" // the title says it
	}
	if len(l.Path) == 0 {
		return cutKeys(shortName(l.Field))
	}
	path := cutKeys(pathText(l.Path, shortName))
	if l.Type == "" {
		return path
	}
	return path + " -> " + l.Type
}

// wentIn says where the thing was put into what keeps it.
func (l *Leak) wentIn() string {
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

// Place returns file:line.
func (s Site) Place() string {
	if s.File == "" || s.Line == 0 {
		return s.File
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

// cost says what the leak comes to.
func (l *Leak) cost(rate float64) string {
	day := fmt.Sprintf("a hub with %s such leaves a second ", amount(rate))
	if l.Source.Fixed || !l.Source.Solved {
		day = fmt.Sprintf("a hub with %s peers a second ", amount(rate))
	}
	if l.Bytes <= 0 {
		return fmt.Sprintf("not measured; %sgains %s of these a day", day, number(int64(math.Round(l.CountPerDay))))
	}
	each := ""
	if l.Count > 0 {
		each = amount(math.Round(float64(l.Bytes)/float64(l.Count))) + " each, "
	}
	return fmt.Sprintf("%s%s in this run; %sloses %s a day", each, size(float64(l.Bytes)), day, size(l.BytesPerDay))
}

// seenBy says which detectors saw the leak. The principal's figures are in the
// title already.
func (l *Leak) seenBy() string {
	var words []string
	for _, e := range l.Evidence {
		w := e.Detector
		if !e.Principal {
			w = strings.TrimSpace(w + " " + cutKeys(shortName(e.Field)))
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
func (l *Leak) figures() string {
	if l.Count <= 0 {
		return ""
	}
	s := number(l.Count) + " of " + number(l.Peers)
	if l.Count > l.Peers {
		s = number(l.Count) + " from " + plural(l.Peers, "peer")
	}
	if l.Cycles > 0 {
		s += fmt.Sprintf(" in %d of %d cycles", l.Grew, l.Cycles)
	}
	return s
}

// rate says how much is retained per peer, of which scenario.
func (l *Leak) rate() string {
	var words []string
	if l.Count > 0 && !l.Source.Fixed {
		words = append(words, l.perPeer())
	}
	if s := l.Source.String(); s != "" {
		words = append(words, s)
	} else {
		words = append(words, "scenario not known")
	}
	return strings.Join(words, ", ")
}

func (l *Leak) perPeer() string {
	if alike(l.Source.Shares) {
		return ofPeers(float64(l.Count) / float64(max(1, l.Peers)))
	}
	if len(l.Source.Shares) > 3 { // a list of figures says nothing any more
		worst := slices.MaxFunc(l.Source.Shares, func(a, b Share) int { return cmp.Compare(a.PerPeer, b.PerPeer) })
		average := ofPeers(float64(l.Count) / float64(max(1, l.Peers)))
		if worst.PerPeer < 1.5*l.Source.PerPeer {
			return average
		}
		return average + " (" + worst.Scenario + ": " + perPeer(worst.PerPeer) + ")"
	}
	var words []string
	for _, s := range l.Source.Shares {
		words = append(words, perPeer(s.PerPeer))
	}
	return enumerate(words) + " per peer"
}

// retained writes "64 kB per 1,000 peers (60 kB to 68 kB), smallest leak 4 kB".
func (t *Trend) retained() string {
	s := measure(t.Retained, t.Unit) + " per 1,000 peers"
	if t.Interval == nil {
		return s + " so far"
	}
	return fmt.Sprintf("%s (%s), smallest leak seen %s", s, t.interval(), t.smallest())
}

// rest says whether a series is back where it was.
func (t *Trend) rest() string {
	was, now := measure(t.Baseline, t.Unit), measure(t.Final, t.Unit)
	switch {
	case t.Pairs == 0:
		return ""
	case was == now:
		return "back at " + now
	case t.Returned:
		return fmt.Sprintf("back: %s, was %s, and %s is what it moves by itself", now, was, measure(t.Noise, t.Unit))
	}
	return fmt.Sprintf("not back: %s, was %s", now, was)
}

// text says where it grew and by how much.
func (g *Grown) text(unit string) string {
	amount := g.Count
	if unit == Bytes {
		amount = g.Bytes
	}
	s := spread(shortName(g.Born.Function), g.Born.Place(), 24)
	if g.Caller != (Site{}) {
		s += "   for " + spread(shortName(g.Caller.Function), g.Caller.Place(), 24)
	}
	return s + "   " + measure(amount, unit) + " per 1,000 peers"
}

func (t *Trend) interval() string {
	if t.Interval == nil {
		return "none yet"
	}
	return measure(t.Interval.Low, t.Unit) + " to " + measure(t.Interval.High, t.Unit)
}

func (t *Trend) smallest() string {
	if t.Smallest <= 0 {
		return "not known yet"
	}
	return measure(t.Smallest, t.Unit)
}

func shortCommit(commit string) string { return commit[:min(7, len(commit))] }

// growth writes "+1,009 a cycle", or the range where cycles differ.
func growth(f *Finding) string {
	if len(f.PerCycle) == 0 {
		switch {
		case f.Count != 0:
			return signed(f.Count)
		case f.Bytes != 0:
			return "+" + size(float64(f.Bytes))
		}
		return ""
	}
	low, high := f.PerCycle[0], f.PerCycle[0]
	for _, n := range f.PerCycle {
		low, high = min(low, n), max(high, n)
	}
	if low == high {
		return signed(low) + " a cycle"
	}
	return signed(low) + " to " + signed(high) + " a cycle"
}

func signed(n int64) string {
	if n < 0 {
		return number(n)
	}
	return "+" + number(n)
}

// whichRun says what tells this run from others.
func (v *Verdict) whichRun() []string {
	about := []string{plural2(v.Run.Lives, "life", "lives"), lasted(v.Run.Seconds)}
	var trials int64
	for _, c := range v.Cycles {
		if c.Trial {
			trials++
		}
	}
	if trials > 0 {
		about = append(about, plural(trials, "trial"))
	}
	about = append(about, "seed "+v.Run.Seed)
	if v.Run.Commit != "" {
		about = append(about, "commit "+shortCommit(v.Run.Commit))
	}
	return about
}

// cycleNames names the cycles, and tells trials from the others.
func (v *Verdict) cycleNames() []string {
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
