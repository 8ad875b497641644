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

// title returns in a few words what leaks.
func title(l *verdict.Leak) string {
	switch l.Class {
	case verdict.Goroutine:
		return goroutine(l) + " does not end"
	case verdict.Object:
		return object(l) + " retained"
	case verdict.Collection:
		return cmp.Or(cutKeys(verdict.ShortName(l.Field)), cmp.Or(l.Type, "collection")) + " grows"
	case verdict.Memory:
		return "memory of " + cmp.Or(verdict.ShortName(l.Born.Function), l.Born.Place()) + " grows"
	case verdict.Mapping:
		return cmp.Or(l.Type, "memory") + " memory outside of the Go heap stays mapped"
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
		return "work while no peer is connected"
	}
	return string(l.Class) + after(cmp.Or(l.Type, l.Field))
}

// goroutine names a goroutine by its function, which some detectors report as its type, or else
// by the function that started it.
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

// longKeys match keys that are shortened to their beginning. Peers choose them.
var longKeys = regexp.MustCompile(`\["([^"\\]{4})(?:[^"\\]|\\.){9,}"\]`)

func cutKeys(s string) string { return longKeys.ReplaceAllString(s, `["$1…"]`) }

// keptBy returns the retaining path of the thing, or else the collection that it is in.
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

// wentIn returns where the thing was stored, or else where its holder was allocated. If the path begins
// in a package variable without a name, it adds how the variable gets one.
func wentIn(l *verdict.Leak) string {
	words := []string{holderPlace(l)}
	if len(l.Path) > 0 && l.Path[0].Kind == verdict.VariableHolder && !strings.HasPrefix(l.Path[0].Holder, "var ") {
		words = append(words, "go test -ldflags=-w=0 names the variable")
	}
	return strings.Trim(strings.Join(words, "; "), "; ")
}

func holderPlace(l *verdict.Leak) string {
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

// cost returns what the leak costs in this run, and a hub in a day.
func cost(l *verdict.Leak, rate float64) string {
	day := fmt.Sprintf("a hub with %s such leaves a second ", units.Number(rate))
	if l.Unit == verdict.PerEvent {
		day = fmt.Sprintf("a hub with %s such events a second ", units.Number(rate))
	}
	if l.Source.Fixed || !l.Source.Solved {
		day = fmt.Sprintf("a hub with %s peers a second ", units.Number(rate))
	}
	if isBehindSlice(l) {
		return units.Bytes(float64(l.Bytes)) + " in this run; kept behind the length of a slice, so bounded by its peak"
	}
	if l.Bytes <= 0 {
		return fmt.Sprintf("not measured; %sgains %s of these a day", day, units.Count(int64(math.Round(l.CountPerDay))))
	}
	each := ""
	if l.Count > 0 && l.Class != verdict.Memory {
		each = units.Number(math.Round(float64(l.Bytes)/float64(l.Count))) + " each, "
	}
	return fmt.Sprintf("%s%s in this run; %sloses %s a day", each, units.Bytes(float64(l.Bytes)), day, units.Bytes(l.BytesPerDay))
}

// isBehindSlice reports whether the path leads through an element beyond the length of a slice, as
// package heap writes it. Its array has no more of them than the slice had elements at its peak.
func isBehindSlice(l *verdict.Leak) bool {
	return slices.ContainsFunc(l.Path, func(e verdict.Edge) bool { return strings.Contains(e.Field, ", beyond its length ") })
}

// seenBy returns the detectors that saw the leak with the growth that they saw. The title has
// the growth of the detector that names the leak. Many findings of one detector are counted.
func seenBy(l *verdict.Leak) string {
	var order []string
	by := map[string][]string{}
	for _, e := range l.Evidence {
		w := e.Detector
		if !e.Principal {
			w = strings.TrimSpace(w + " " + cutKeys(verdict.ShortName(e.Field)))
			if g := growth(&e.Finding); g != "" {
				w += " " + g
			}
		}
		if by[e.Detector] == nil {
			order = append(order, e.Detector)
		}
		if !slices.Contains(by[e.Detector], w) {
			by[e.Detector] = append(by[e.Detector], w)
		}
	}
	var words []string
	for _, detector := range order {
		if found := by[detector]; len(found) <= maxSeenBy {
			words = append(words, found...)
		} else {
			words = append(words, fmt.Sprintf("%s (%d findings)", detector, len(found)))
		}
	}
	return strings.Join(words, ", ")
}

// maxSeenBy bounds the findings of one detector that are written one by one.
const maxSeenBy = 3

// figures returns how many things are retained, of how many peers, in how many cycles.
func figures(l *verdict.Leak) string {
	if l.Count <= 0 {
		return ""
	}
	s := units.Count(l.Count) + " of " + units.Count(l.Peers)
	if l.Count > l.Peers || l.Class == verdict.Memory {
		noun, _, _ := strings.Cut(unit(l), " ")
		s = amount(l) + " from " + units.Plural(l.Peers, noun)
	}
	if l.Cycles > 0 {
		s += fmt.Sprintf(" in %d of %d cycles", l.Grew, l.Cycles)
	}
	return s
}

// amount returns how much is retained.
func amount(l *verdict.Leak) string {
	if l.Class == verdict.Memory {
		return units.Bytes(float64(l.Count))
	}
	return units.Count(l.Count)
}

// howMuch returns how much is retained per peer, and in which scenario.
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

// unit returns what Leak.Peers counts.
func unit(l *verdict.Leak) string { return cmp.Or(l.Unit, "peer") }

func perPeer(l *verdict.Leak) string {
	if l.Class == verdict.Memory {
		return units.Bytes(float64(l.Count)/float64(max(1, l.Peers))) + " per " + unit(l)
	}
	if l.Source.Uniform() {
		return units.Per(float64(l.Count)/float64(max(1, l.Peers)), unit(l))
	}
	if len(l.Source.Shares) > 3 { // a list of figures says nothing any more
		worst := slices.MaxFunc(l.Source.Shares, func(a, b verdict.Share) int { return cmp.Compare(a.PerPeer, b.PerPeer) })
		average := units.Per(float64(l.Count)/float64(max(1, l.Peers)), unit(l))
		if worst.PerPeer < 1.5*l.Source.PerPeer {
			return average
		}
		return average + " (" + worst.Scenario + ": " + units.Rate(worst.PerPeer) + ")"
	}
	var words []string
	for _, s := range l.Source.Shares {
		words = append(words, units.Rate(s.PerPeer))
	}
	return units.List(words) + " per " + unit(l)
}

// growth returns "+1,009 a cycle", or a range if cycles differ.
func growth(f *verdict.Finding) string {
	signed := units.Signed
	if f.Class == verdict.Memory {
		signed = func(n int64) string { return "+" + units.Bytes(float64(n)) }
	}
	if len(f.PerCycle) == 0 {
		switch {
		case f.Count != 0:
			return units.Signed(f.Count)
		case f.Bytes != 0:
			return "+" + units.Bytes(float64(f.Bytes))
		}
		return ""
	}
	low, high := slices.Min(f.PerCycle), slices.Max(f.PerCycle)
	if low == high {
		return signed(low) + " a cycle"
	}
	return signed(low) + " to " + signed(high) + " a cycle"
}
