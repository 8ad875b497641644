package report

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Annotations are workflow commands, one a line, whatever the target has chosen of them.
func TestAnnotations(t *testing.T) {
	t.Parallel()
	evil := "a%b\n::error::injected\r::warning::too\x1b[31m"
	r := Result{Verdict: verdict.Verdict{
		Outcome: verdict.Leaking,
		Leaks: []verdict.Leak{
			{Class: verdict.Object, Type: "*hub.session", Born: verdict.Site{Function: "hub.(*Hub).accept", File: "hub/session.go", Line: 88}, Count: 3027, Peers: 3027, Do: "look"},
			{Class: verdict.Collection, Field: "health.networks", Count: 5, Peers: 9},
		},
		Failures:   []verdict.Reason{{What: evil, Do: "call, or: wait"}},
		Thresholds: []verdict.Threshold{{Text: "lost==0", Outcome: verdict.Failed, Actual: "3"}, {Text: "p99(offer)<5ms", Outcome: verdict.Inconclusive}, {Text: "cut==0", Outcome: verdict.Pass}},
		Doubts:     []verdict.Reason{{What: "it was short"}},
	}}
	var b strings.Builder
	if err := r.WriteAnnotations(&b); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"::error title=loadgen%3A *hub.session retained", ",file=hub/session.go,line=88::3,027 from 3,027 peers%0A",
		"::error title=loadgen%3A health.networks grows::5 from 9 peers",
		"::error title=loadgen%3A failed::a%25b%0A::error::injected", "%0Acall, or: wait",
		"::error title=loadgen%3A threshold broken::lost==0: 3",
		"::warning title=loadgen%3A threshold undecided::p99(offer)<5ms",
		"::warning title=loadgen%3A undecided::it was short",
	}
	text := b.String()
	for _, w := range want {
		i := strings.Index(text, w)
		if i < 0 {
			t.Fatalf("%q is missing or out of order in\n%s", w, b.String())
		}
		text = text[i+len(w):]
	}
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "::") || strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\r\x1b\n") {
			t.Errorf("%q is no command", line)
		}
	}
	if n := strings.Count(b.String(), "\n"); n != 6 {
		t.Errorf("%d lines", n)
	}
}

// GitHub shows ten annotations of a kind for a step, so that others are left out of the log, too.
func TestManyAnnotations(t *testing.T) {
	t.Parallel()
	r := Result{}
	for range 25 {
		r.Verdict.Failures = append(r.Verdict.Failures, verdict.Reason{What: "no"})
		r.Verdict.Doubts = append(r.Verdict.Doubts, verdict.Reason{What: "perhaps"})
	}
	var b strings.Builder
	if err := r.WriteAnnotations(&b); err != nil || strings.Count(b.String(), "::error ") != 10 || strings.Count(b.String(), "::warning ") != 10 {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// A run that passed has none.
func TestNoAnnotations(t *testing.T) {
	t.Parallel()
	r := Result{Verdict: verdict.Verdict{Outcome: verdict.Pass, Thresholds: []verdict.Threshold{{Text: "cut==0", Outcome: verdict.Pass}}}}
	var b strings.Builder
	if err := r.WriteAnnotations(&b); err != nil || b.Len() > 0 {
		t.Errorf("%v\n%s", err, b.String())
	}
}
