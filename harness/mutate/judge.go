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

// Judge fills in what the first verdict that says that there is a leak says about it. The
// function and the line are those of the mutant or, of a drop, any line of its function. The
// field is asked only if it is known what retains, the scenario only if one alone reaches
// the code.
func (r *Result) Judge(verdicts []verdict.Verdict) {
	i := slices.IndexFunc(verdicts, func(v verdict.Verdict) bool { return v.Outcome == verdict.Leaking && len(v.Leaks) > 0 })
	if i < 0 {
		return
	}
	l := verdicts[i].Leaks[0]
	r.Caught, r.Run, r.Detectors, r.Leak = true, verdicts[i].Run.Name, detectors(l), headline(l)
	r.RightFunction = answer(slices.ContainsFunc(places(l), r.inFunction))
	if r.Operator == Keep {
		r.RightLine = answer(slices.ContainsFunc(places(l), func(s verdict.Site) bool {
			return s.Line == r.Line && strings.HasSuffix(r.File, "/"+strings.TrimPrefix(s.File, "/"))
		}))
	}
	if r.Field != "" {
		r.RightField = answer(slices.ContainsFunc(fields(l), func(f string) bool { return strings.Contains(f, r.Field) }))
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

// inFunction reports whether a place is in the mutant's function. Of a closure that was
// inlined the runtime's name has the function it was inlined into before its own.
func (r *Result) inFunction(s verdict.Site) bool {
	name := closure.ReplaceAllString(s.Function, "")
	path := strings.LastIndexByte(r.Function, '/') + 1
	pkg, local, _ := strings.Cut(r.Function[path:], ".")
	return name == r.Function || strings.HasPrefix(name, r.Function[:path]+pkg+".") && strings.HasSuffix(name, "."+local)
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
