package regress_test

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// The least percentages of mutants for which the suite must be right.
const (
	wantCaught   = 98
	wantFunction = 95
	wantLine     = 90
	wantField    = 90
	wantScenario = 90
)

// leak returns the first leak of the first verdict that has one, which a reader sees first.
func (r *powerRow) leak() (verdict.Leak, bool) {
	for _, v := range r.verdicts {
		if v.Outcome == verdict.Leaking {
			return v.Leaks[0], true
		}
	}
	return verdict.Leak{}, false
}

func (r *powerRow) caught() bool {
	_, ok := r.leak()
	return ok
}

// detectors returns the detectors that saw the leak.
func (r *powerRow) detectors() []string {
	l, _ := r.leak()
	seen := map[string]bool{}
	for _, e := range l.Evidence {
		seen[e.Detector] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// places returns the lines that the verdict names for a leak: where the thing was made, and where
// it was stored.
func places(l verdict.Leak) []verdict.Site {
	sites := []verdict.Site{l.Born, l.Stored}
	return slices.DeleteFunc(sites, func(s verdict.Site) bool { return s == verdict.Site{} })
}

var closure = regexp.MustCompile(`(\.func\d+|\.gowrap\d+|\.deferwrap\d+|\.\d+|-range\d+)+$`)

// function returns the declared function of a site, without its closures and its package path.
func function(s verdict.Site) string {
	name := s.Function[strings.LastIndexByte(s.Function, '/')+1:]
	return closure.ReplaceAllString(name, "")
}

// inFunction reports whether a site is in the declared function want. The name of an inlined
// closure begins with the function that it was inlined into, so only its end must match.
func inFunction(s verdict.Site, want string) bool {
	name := function(s)
	_, method, _ := strings.Cut(want, ".")
	return name == want || strings.HasPrefix(name, "hub.") && strings.HasSuffix(name, "."+method)
}

func (r *powerRow) rightFunction() bool {
	l, _ := r.leak()
	return slices.ContainsFunc(places(l), func(s verdict.Site) bool {
		return slices.ContainsFunc(r.planted.born, func(b birth) bool { return inFunction(s, b.function) })
	})
}

func (r *powerRow) rightLine() bool {
	l, _ := r.leak()
	return slices.ContainsFunc(places(l), func(s verdict.Site) bool {
		return slices.ContainsFunc(r.planted.born, func(b birth) bool { return strings.HasSuffix(s.File, b.file) && s.Line == b.line })
	})
}

// hasField reports whether a field of the hub retains the leak.
func (m *mutant) hasField() bool { return len(m.fields) > 0 && !slices.Contains(m.fields, "none") }

// rightField reports whether the verdict names a field of the mutant: as the collection, as its
// beginning, or as a whole part of a retaining path.
func (r *powerRow) rightField() bool {
	l, _ := r.leak()
	named := append(fieldPaths(l.Path), l.Field)
	for _, e := range l.Evidence {
		named = append(append(named, e.Field), fieldPaths(e.Path)...)
	}
	return slices.ContainsFunc(r.m.fields, func(f string) bool {
		return slices.ContainsFunc(named, func(n string) bool { return beginsWithField(n, f) })
	})
}

var index = regexp.MustCompile(`\[[^\]]*\]`)

// fieldPaths returns the end of a path from each of its holders, in the notation of a field.
func fieldPaths(path []verdict.Edge) []string {
	var list []string
	for i, e := range path {
		s := strings.TrimLeft(strings.TrimPrefix(e.Holder, "var "), "*")
		for _, next := range path[i:] {
			if next.Field != "" && next.Field[0] != '[' && next.Field[0] != '(' {
				s += "."
			}
			s += next.Field
		}
		list = append(list, index.ReplaceAllString(s, "[*]"))
	}
	return list
}

// beginsWithField reports whether the field name is want or within want.
func beginsWithField(name, want string) bool {
	rest, ok := strings.CutPrefix(name, want)
	return ok && (rest == "" || strings.ContainsRune(".[(", rune(rest[0])))
}

// seenAmongScenarios reports whether the leak was seen in a run of several scenarios. The run of
// idle peers has only one.
func (r *powerRow) seenAmongScenarios() bool {
	l, _ := r.leak()
	return len(l.Source.Shares) == 0 || l.Source.Shares[0].Scenario != "idle"
}

// rightScenario reports whether the verdict names only scenarios that leak. Scenarios with less
// than half of the largest share are ignored, because a leak of networks reaches every scenario
// a little. If every session leaks, the verdict must name most scenarios.
func (r *powerRow) rightScenario() bool {
	l, _ := r.leak()
	named := l.Source.Shares
	if !l.Source.Solved || len(named) == 0 {
		return false
	}
	if slices.Contains(r.m.scenarios, "every") {
		return l.Source.Every || len(l.Source.But) > 0 || len(named) > 8
	}
	largest := slices.MaxFunc(named, func(a, b verdict.Share) int { return cmp.Compare(a.PerPeer, b.PerPeer) }).PerPeer
	return !slices.ContainsFunc(named, func(s verdict.Share) bool {
		return s.PerPeer >= largest/2 && !slices.Contains(r.m.scenarios, s.Scenario)
	})
}

// describe returns the result of the row for the log.
func (r *powerRow) describe() string {
	switch {
	case r.m.benign && r.caught():
		return "REPORTED although benign: " + r.headline()
	case r.m.benign && r.failed != "":
		return "FAILED: " + r.failed
	case r.m.benign:
		return "not reported, as it should be"
	case !r.caught():
		return "MISSED " + r.failed
	}
	wrong := ""
	for what, right := range map[string]bool{"function": r.rightFunction(), "line": r.rightLine(), "field": r.rightField() || !r.m.hasField(), "scenario": r.rightScenario() || !r.seenAmongScenarios()} {
		if !right {
			wrong += " wrong " + what
		}
	}
	if wrong != "" {
		wrong += " (" + r.headline() + ")"
	}
	return "caught" + wrong
}

// headline returns all that the verdict says of the leak, in one line.
func (r *powerRow) headline() string {
	l, _ := r.leak()
	return fmt.Sprintf("%s %s born %s stored %s field %s path %v from %s", l.Class, l.Type, l.Born, l.Stored, l.Field, l.Path, l.Source)
}

// judgePower fails the test if a percentage is below its minimum. Only a run of all mutants is
// judged by attribution, because in a sample one mutant counts for many percent.
func judgePower(t *testing.T, results []powerResult, whole bool) {
	t.Helper()
	s := score(results)
	t.Log(s)
	for _, k := range results {
		if len(k.Errors) > 0 {
			t.Errorf("%s: %s", k.Name, strings.Join(k.Errors, "\n"))
		}
		if k.Benign && (k.Caught || k.Failed != "") {
			t.Errorf("%s: %s %s", k.Name, k.Leak, k.Failed)
		}
	}
	bar := func(what string, part, of, want int) {
		if 100*part < want*of {
			t.Errorf("%s: %d of %d, want %d %%", what, part, of, want)
		}
	}
	bar("caught", s.caught, s.leaks, wantCaught)
	if whole {
		bar("function", s.function, s.caught, wantFunction)
		bar("line", s.line, s.caught, wantLine)
		bar("retaining field", s.field, s.fields, wantField)
		bar("scenario", s.scenario, s.scenarios, wantScenario)
	}
}

// A field counts as named only if all of its path matches, not only the last name.
func TestJudgeOfFields(t *testing.T) {
	t.Parallel()
	path := func(edges ...string) verdict.Leak {
		var l verdict.Leak
		for i := 0; i < len(edges); i += 2 {
			l.Path = append(l.Path, verdict.Edge{Holder: edges[i], Field: edges[i+1]})
		}
		return l
	}
	for _, c := range []struct {
		want string
		leak verdict.Leak
		ok   bool
	}{
		{"hub.Hub.networks[*].members", verdict.Leak{Field: "hub.Hub.networks[*].members"}, true},
		{"hub.Hub.networks[*].members", path("hub.Hub", `networks["a.b"]`, "*hub.network", "members[key]"), true},
		{"hub.Hub.shards[*]", path("hub.Hub", "shards[0][key]"), true},
		{"hub.Hub.ctx.(*context.cancelCtx).children", path("hub.Hub", "ctx.(*context.cancelCtx)", "*context.cancelCtx", "children[key]"), true},
		{"hub.registry", path("var hub.registry", "[7]", "*hub.Hub", "peers"), true},
		{"hub.session.input", path("hub.Hub", "spare[key]", "*hub.session", "input"), true},
		{"hub.Hub.networks[*].members", verdict.Leak{Field: "hub.Hub.groups[*].members"}, false},
		{"hub.Hub.order", path("hub.session", "order[3]"), false},
		{"hub.Hub.order", verdict.Leak{Field: "hub.Hub.orders"}, false},
		{"hub.Hub.order", verdict.Leak{Field: "hub.Hub"}, false},
	} {
		row := powerRow{m: &mutant{fields: []string{c.want}}, verdicts: []verdict.Verdict{{Outcome: verdict.Leaking, Leaks: []verdict.Leak{c.leak}}}}
		if got := row.rightField(); got != c.ok {
			t.Errorf("%s in %+v: %v", c.want, c.leak, got)
		}
	}
}
