package mutate

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

func leaking(l verdict.Leak) []verdict.Verdict {
	return []verdict.Verdict{{Outcome: verdict.Pass}, {
		Outcome: verdict.Leaking, Leaks: []verdict.Leak{l}, Scenarios: make([]verdict.Scenario, 2), Run: verdict.About{Name: "a run"},
	}}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	keep := Mutant{
		Operator: Keep, Kind: Object, Package: "example.com/x/hub", Function: "example.com/x/hub.(*Hub).join",
		File: "/src/hub/join.go", Line: 7, Field: "hub.mutantObjects",
	}
	keep.Places = []Place{{keep.Function, keep.File, keep.Line}}
	drop, unknown := keep, keep
	drop.Operator, drop.Kind, drop.Field = Drop, Delete, "hub.network.members"
	unknown.Operator, unknown.Kind, unknown.Field, unknown.Places = Drop, Release, "", nil
	here := verdict.Site{Function: "example.com/x/hub.(*Hub).join.func2", File: "hub/join.go", Line: 7}
	inlined := verdict.Site{Function: "example.com/x/hub.(*Hub).serve.(*Hub).join", File: "hub/join.go", Line: 9}
	elsewhere := verdict.Site{Function: "example.com/x/hub.(*Hub).rejoin", File: "hub/join.go", Line: 77}
	path := []verdict.Edge{{Holder: "var hub.mutantObjects", Field: "[3]"}}
	blames := verdict.Attribution{Solved: true, Shares: []verdict.Share{{Scenario: "rst", PerPeer: 1}, {Scenario: "drop", PerPeer: 0.2}}}
	for name, c := range map[string]struct {
		m                               Mutant
		l                               verdict.Leak
		function, line, field, scenario Answer
	}{
		"all right":        {keep, verdict.Leak{Born: here, Path: path, Source: blames}, Right, Right, Right, Right},
		"stored, not born": {keep, verdict.Leak{Born: elsewhere, Stored: inlined, Source: blames}, Right, Wrong, Wrong, Right},
		"elsewhere":        {keep, verdict.Leak{Born: elsewhere, Field: "hub.other"}, Wrong, Wrong, Wrong, Wrong},
		"a drop":           {drop, verdict.Leak{Born: here, Field: "hub.Hub.networks[*].members", Source: blames}, Right, Right, Right, Right},
		"another's drop":   {drop, verdict.Leak{Born: here, Field: "hub.Hub.networks[*].membership", Source: blames}, Right, Right, Wrong, Right},
		"little is known":  {unknown, verdict.Leak{Born: elsewhere, Source: blames}, Moot, Moot, Moot, Right},
	} {
		r := Result{Mutant: c.m, Scenarios: []string{"rst"}}
		if r.Judge(leaking(c.l)); !r.Caught || r.Run != "a run" {
			t.Errorf("%s: not caught", name)
		}
		if r.RightFunction != c.function || r.RightLine != c.line || r.RightField != c.field || r.RightScenario != c.scenario {
			t.Errorf("%s: function %q line %q field %q scenario %q", name, r.RightFunction, r.RightLine, r.RightField, r.RightScenario)
		}
	}
	missed := Result{Mutant: keep}
	if missed.Judge([]verdict.Verdict{{Outcome: verdict.Pass}}); missed.Caught {
		t.Error("caught by a verdict that passes")
	}
	table := Table([]Result{missed, {Mutant: drop, Aside: "its code did not run"}, {Mutant: keep, Caught: true, RightLine: Wrong, Leak: "elsewhere"}})
	for _, want := range []string{
		"| all | 3 | 1 | 2 | 1 | 0 of 0 | 0 of 1 |", "| drop: delete | 1 | 1 | 0 | 0 |", "Set aside: its code did not run 1", "| line: elsewhere |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in\n%s", want, table)
		}
	}
}
