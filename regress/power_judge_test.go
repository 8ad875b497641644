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

// What is asked of the suite, in percent of the mutants that count.
const (
	wantCaught   = 98
	wantFunction = 95
	wantLine     = 90
	wantField    = 90
	wantScenario = 90
)

// leaks returns the first leak of a verdict, if there is one: it is the one that a
// person reads.
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

// detectors are those that saw the leak.
func (r *powerRow) detectors() []string {
	l, _ := r.leak()
	seen := map[string]bool{}
	for _, e := range l.Evidence {
		seen[e.Detector] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// places are the lines that the verdict names for the leak: where the thing was
// made, and where it was put into what holds it.
func places(l verdict.Leak) []verdict.Site {
	sites := []verdict.Site{l.Born, l.Stored}
	return slices.DeleteFunc(sites, func(s verdict.Site) bool { return s == verdict.Site{} })
}

var closure = regexp.MustCompile(`(\.func\d+|\.gowrap\d+|\.deferwrap\d+|\.\d+|-range\d+)+$`)

// function is the outermost function declared, without the path of its package.
func function(s verdict.Site) string {
	name := s.Function[strings.LastIndexByte(s.Function, '/')+1:]
	return closure.ReplaceAllString(name, "")
}

// inFunction reports whether a place is in a function declared. Of a closure that was
// inlined the runtime's name has the function it was inlined into before its own.
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

// heldByField reports whether the mutant has a field that retains.
func (m *mutant) heldByField() bool { return len(m.fields) > 0 && !slices.Contains(m.fields, "none") }

// rightField reports whether the verdict names what retains: one of the mutant's fields
// is the collection, or the beginning of one, or stands whole in a path from a root.
func (r *powerRow) rightField() bool {
	l, _ := r.leak()
	named := append(stretches(l.Path), l.Field)
	for _, e := range l.Evidence {
		named = append(append(named, e.Field), stretches(e.Path)...)
	}
	return slices.ContainsFunc(r.m.fields, func(f string) bool {
		return slices.ContainsFunc(named, func(n string) bool { return beginsWithField(n, f) })
	})
}

var index = regexp.MustCompile(`\[[^\]]*\]`)

// stretches writes a path, from each of its holders to its end, as a field is written.
func stretches(path []verdict.Edge) []string {
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

// beginsWithField reports whether a field is the one that is wanted, or within it.
func beginsWithField(name, want string) bool {
	rest, ok := strings.CutPrefix(name, want)
	return ok && (rest == "" || strings.ContainsRune(".[(", rune(rest[0])))
}

// ofScenarios reports whether the leak was seen in a run of several scenarios: that of
// the crowd that idles has one.
func (r *powerRow) ofScenarios() bool {
	l, _ := r.leak()
	return len(l.Source.Shares) == 0 || l.Source.Shares[0].Scenario != "idle"
}

// rightScenario reports whether the verdict blames scenarios that leak: those that
// it blames for half as much as the worst, or more. (Where a network leaks, every
// scenario leaks a little.) Of a leak of every session it must blame most.
func (r *powerRow) rightScenario() bool {
	l, _ := r.leak()
	blamed := l.Source.Shares
	if !l.Source.Solved || len(blamed) == 0 {
		return false
	}
	if slices.Contains(r.m.scenarios, "every") {
		return l.Source.Every || len(l.Source.But) > 0 || len(blamed) > 8
	}
	worst := slices.MaxFunc(blamed, func(a, b verdict.Share) int { return cmp.Compare(a.PerPeer, b.PerPeer) }).PerPeer
	return !slices.ContainsFunc(blamed, func(s verdict.Share) bool {
		return s.PerPeer >= worst/2 && !slices.Contains(r.m.scenarios, s.Scenario)
	})
}

// result is the row in one word.
func (r *powerRow) result() string {
	switch {
	case r.m.benign && r.caught():
		return "REPORTED, but benign: " + r.headline()
	case r.m.benign && r.failed != "":
		return "FAILED: " + r.failed
	case r.m.benign:
		return "rightly not reported"
	case !r.caught():
		return "MISSED " + r.failed
	}
	wrong := ""
	for what, right := range map[string]bool{"function": r.rightFunction(), "line": r.rightLine(), "field": r.rightField() || !r.m.heldByField(), "scenario": r.rightScenario() || !r.ofScenarios()} {
		if !right {
			wrong += " wrong " + what
		}
	}
	if wrong != "" {
		wrong += " (" + r.headline() + ")"
	}
	return "caught" + wrong
}

func (r *powerRow) headline() string {
	l, _ := r.leak()
	return fmt.Sprintf("%s %s born %s stored %s field %s path %v from %s", l.Class, l.Type, l.Born, l.Stored, l.Field, l.Path, l.Source)
}

// judgePower fails the test for what falls short of the bars. The attribution is
// judged on a full set only: one of a few mutants is many percent.
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

// The judge takes a field for named only if it stands whole, not because another has
// the same last word.
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
