package mutate

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Answer is whether a verdict is right about one thing.
type Answer string

// The answers.
const (
	Right Answer = "yes"
	Wrong Answer = "no"
	Moot  Answer = "" // there is nothing to be right about
)

// Result is what came of one mutant.
type Result struct {
	Mutant
	Aside     string   `json:",omitempty"` // why the witness does not count it as a leak; the rest is empty then
	Witness   string   // what the witness saw
	Scenarios []string // that reach the code, if the witness knows

	Caught    bool
	Failed    string   `json:",omitempty"` // how the test failed without a verdict that it leaks
	Run       string   `json:",omitempty"` // whose verdict it is
	Detectors []string // that saw it
	Leak      string   `json:",omitempty"` // as it was reported

	RightFunction, RightLine, RightField, RightScenario Answer

	Seconds float64
}

// Judge fills in what the first verdict that says that there is a leak says about it.
// Function and line are asked only if the mutant's places are known: of a keep its own, of a
// drop those where something is put into the field of which it does not release. The field is
// asked only if it is known what retains, the scenario only if one alone reaches the code.
func (r *Result) Judge(verdicts []verdict.Verdict) {
	i := slices.IndexFunc(verdicts, func(v verdict.Verdict) bool { return v.Outcome == verdict.Leaking && len(v.Leaks) > 0 })
	if i < 0 {
		for _, v := range verdicts {
			if v.Outcome == verdict.Invalid && len(v.Leaks) > 0 {
				r.Failed = "INVALID, and names " + headline(v.Leaks[0])
			}
		}
		return
	}
	l := verdicts[i].Leaks[0]
	r.Caught, r.Run, r.Detectors, r.Leak = true, verdicts[i].Run.Name, detectors(l), headline(l)
	if len(r.Places) > 0 {
		r.RightFunction = answer(named(places(l), r.Places, Place.inFunction))
		r.RightLine = answer(named(places(l), r.Places, Place.isLine))
	}
	if r.Field != "" {
		r.RightField = answer(slices.ContainsFunc(fields(l), r.isField))
	}
	if len(r.Scenarios) == 1 && len(verdicts[i].Scenarios) > 1 {
		r.RightScenario = answer(slices.Equal(blamed(l), r.Scenarios))
	}
}

func answer(right bool) Answer {
	if right {
		return Right
	}
	return Wrong
}

func detectors(l verdict.Leak) []string {
	var names []string
	for _, e := range l.Evidence {
		names = append(names, e.Detector)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// places are the lines that the verdict names for the leak: where the thing was made, and
// where it was put into what holds it.
func places(l verdict.Leak) []verdict.Site {
	return slices.DeleteFunc([]verdict.Site{l.Born, l.Stored}, func(s verdict.Site) bool { return s == verdict.Site{} })
}

var closure = regexp.MustCompile(`(\.func\d+|\.gowrap\d+|\.deferwrap\d+|\.\d+|-range\d+)+$`)

// inFunction reports whether a site is in the place's function. Of a closure that was
// inlined the runtime's name has the function it was inlined into before its own.
func (p Place) inFunction(s verdict.Site) bool {
	name := closure.ReplaceAllString(s.Function, "")
	path := strings.LastIndexByte(p.Function, '/') + 1
	pkg, local, _ := strings.Cut(p.Function[path:], ".")
	return name == p.Function || strings.HasPrefix(name, p.Function[:path]+pkg+".") && strings.HasSuffix(name, "."+local)
}

// isLine reports whether a site is the place's line.
func (p Place) isLine(s verdict.Site) bool {
	return s.Line == p.Line && strings.HasSuffix(p.File, "/"+strings.TrimPrefix(s.File, "/"))
}

// named reports whether one of the sites is one of the places.
func named(sites []verdict.Site, places []Place, is func(Place, verdict.Site) bool) bool {
	return slices.ContainsFunc(sites, func(s verdict.Site) bool {
		return slices.ContainsFunc(places, func(p Place) bool { return is(p, s) })
	})
}

// isField reports whether a name is the mutant's field: whole or, of a type that is reached
// by another's collection (hub.Hub.networks[*].members), its last part.
func (r *Result) isField(name string) bool {
	if strings.Contains(name, r.Field) {
		return true
	}
	last := r.Field[strings.LastIndexByte(r.Field, '.'):]
	return r.Operator == Drop && slices.ContainsFunc(strings.Fields(name), func(part string) bool {
		return strings.HasSuffix(part, last) || strings.Contains(part, last+"[") || strings.Contains(part, last+".")
	})
}

var index = regexp.MustCompile(`\[[^\]]*\]`)

// fields are the names of what retains, from the root on, in all that the verdict says.
func fields(l verdict.Leak) []string {
	named := []string{l.Field, stretch(l.Path)}
	for _, e := range l.Evidence {
		named = append(named, e.Field, stretch(e.Path))
	}
	return named
}

func stretch(path []verdict.Edge) string {
	var b strings.Builder
	for _, e := range path {
		b.WriteString(strings.TrimPrefix(e.Holder, "var ") + " " + index.ReplaceAllString(e.Field, "[*]") + " ")
	}
	return b.String()
}

// blamed are the scenarios to which the verdict attributes half as much as to the worst, or
// more.
func blamed(l verdict.Leak) []string {
	if !l.Source.Solved || len(l.Source.Shares) == 0 {
		return nil
	}
	most := slices.MaxFunc(l.Source.Shares, func(a, b verdict.Share) int { return cmp.Compare(a.PerPeer, b.PerPeer) }).PerPeer
	var names []string
	for _, s := range l.Source.Shares {
		if s.PerPeer >= most/2 {
			names = append(names, s.Scenario)
		}
	}
	slices.Sort(names)
	return names
}

func headline(l verdict.Leak) string {
	words := []string{string(l.Class), l.Type, "born " + l.Born.String(), "stored " + l.Stored.String(), "field " + l.Field, stretch(l.Path)}
	return strings.Join(append(words, "blamed "+strings.Join(blamed(l), ",")), "; ")
}
