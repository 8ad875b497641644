package loadgen

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func TestParsePlan(t *testing.T) {
	t.Parallel()
	p, err := ParsePlan([]byte(`
name: evening
seed: 7
phases:
  - profile: ramp
    peers: 50
    duration: 2s
  - {profile: churn, params: {leave: rst}}
`))
	if err != nil {
		t.Fatal(err)
	}
	ramp, churn := p.Phases[0], p.Phases[1]
	if p.Seed != 7 || ramp.Peers != 50 || ramp.Duration != 2*time.Second || ramp.Rate != rampProfile().phase.Rate {
		t.Errorf("got %+v", p)
	}
	if churn.Params["leave"] != "rst" || churn.Params["stay"] != "500ms" {
		t.Errorf("the parameters are %v", churn.Params)
	}
}

// What is wrong is named.
func TestParsePlanErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, plan, names string }{
		{"unknown field", "phases: [{profile: ramp, pears: 3}]", "pears"},
		{"unknown profile", "phases: [{profile: rump}]", "rump"},
		{"unknown parameter", "phases: [{profile: churn, params: {leaf: rst}}]", "leaf"},
		{"bad leave", "phases: [{profile: churn, params: {leave: angry}}]", "angry"},
		{"bad duration", "phases: [{profile: churn, params: {stay: long}}]", "stay"},
		{"negative peers", "phases: [{profile: ramp, peers: -1}]", "peers"},
		{"not a rate", "phases: [{profile: ramp, rate: .nan}]", "rate"},
		{"no phases", "name: x", "phases"},
		{"two plans", "phases: [{profile: ramp}]\n---\nname: x", "follows"},
		{"a header without a name", "connection: {headers: [secret]}\nphases: [{profile: ramp}]", "'Name: value'"},
		{"unknown option of a connection", "connection: {header: [secret]}\nphases: [{profile: ramp}]", "field header not found"},
		{"JSON", `{"phases": [{"profile": "ramp", "networks": 0, "pears": 1}]}`, "pears"},
		{"a codec that lacks something", "text: {first: hello}\nphases: [{profile: roam}]", "roam needs networks that a peer names"},
		{"unknown codec", "codec: morse\nphases: [{profile: roam}]", "there are peerpigeon, text"},
		{"templates for another codec", "codec: peerpigeon\ntext: {first: hello}\nphases: [{profile: ramp}]", "templates"},
		{"fanout of two networks", "phases: [{profile: fanout, networks: 2}]", "one network"},
		{"no whole number", "phases: [{profile: roam, params: {moves: 1.5}}]", "moves"},
		{"bad state", "phases: [{profile: duplicate, params: {old: sleepy}}]", "sleepy"},
		{"bad spike", "phases: [{profile: spike, params: {leave: vanish}}]", "vanish"},
		{"a leak that nothing tests", "phases: [{profile: churn}, {profile: steady}]\nfail: [lost==0, leak==none]", "threshold leak==none: no phase tests"},
		{"growth that nothing tests", "phases: [{profile: spike}]\nfail: ['retained(go_goroutines)<1']", "no phase tests for leaks"},
		{"too short for a verdict", "phases: [{profile: soak, duration: 2m}]", "--duration 2m16s"},
		{"too few for a verdict", "phases: [{profile: check, peers: 100}]", "peers"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := ParsePlan([]byte(tt.plan)); err == nil || !strings.Contains(err.Error(), tt.names) {
				t.Errorf("got %v, want an error that names %q", err, tt.names)
			}
		})
	}
}

func TestPlanWith(t *testing.T) {
	t.Parallel()
	p, err := PlanOf("churn")
	if err != nil {
		t.Fatal(err)
	}
	q, err := With(p, plan.Phase{Peers: 9, Params: map[string]string{"leave": "vanish"}})
	if err != nil || q.Phases[0].Peers != 9 || q.Phases[0].Params["leave"] != "vanish" {
		t.Errorf("got %+v: %v", q, err)
	}
	if p.Phases[0].Peers == 9 || p.Phases[0].Params["leave"] == "vanish" {
		t.Error("the plan that it was made of has changed")
	}
	if _, err := With(p, plan.Phase{Params: map[string]string{"leaf": "x"}}); err == nil {
		t.Error("an unknown parameter was taken")
	}
}

// Every plan that is built in, and every example, is complete.
func TestPlansAreValid(t *testing.T) {
	t.Parallel()
	for _, w := range Words() {
		if p, err := PlanOf(w.Word); err != nil || p.Phases[0].Profile != w.Word || w.About == "" {
			t.Errorf("%s: %+v, %v", w.Word, p, err)
		}
		for _, param := range w.Params {
			if param.About == "" {
				t.Errorf("%s: the parameter %s is not described", w.Word, param.Name)
			}
		}
	}
	files, err := filepath.Glob("../testdata/plans/*")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d examples: %v", len(files), err)
	}
	for _, f := range files {
		if _, err := LoadPlan(f); err != nil {
			t.Error(err)
		}
	}
}

// A plan file may hold thresholds, and what is wrong with one is said.
func TestThresholdsInPlan(t *testing.T) {
	t.Parallel()
	p, err := ParsePlan([]byte("name: x\nphases: [{profile: ramp}]\nfail: ['p99(offer)<50ms', lost==0]\n"))
	if err != nil || len(p.Fail) != 2 || p.Fail[1].String() != "lost==0" {
		t.Fatalf("%v: %v", p.Fail, err)
	}
	b, err := yaml.Marshal(p)
	if err != nil || !strings.Contains(string(b), "p99(offer)<50ms") {
		t.Errorf("%s: %v", b, err)
	}
	var again plan.Plan
	j, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(j, &again)
	}
	if err != nil || again.Fail[0] != p.Fail[0] {
		t.Errorf("%s: %v", j, err)
	}
	if _, err := ParsePlan([]byte("phases: [{profile: ramp}]\nfail: ['p99(offre)<50ms']\n")); err == nil || !strings.Contains(err.Error(), "offre") {
		t.Errorf("got %v, want an error that names the hop", err)
	}
}
