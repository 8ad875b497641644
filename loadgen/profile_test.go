package loadgen

import (
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// ourHub starts a hub of this repository.
func ourHub(t *testing.T, cfg hub.Config) string {
	t.Helper()
	target, err := hubtest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the hub: %+v", target.Hub.Stats())
		}
		if err := target.Stop(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return target.URL()
}

// runProfile runs one profile with some figures.
func runProfile(t *testing.T, url, word string, figures plan.Phase) report.Result {
	t.Helper()
	p, err := PlanOf(word)
	if err == nil {
		p, err = With(p, figures)
	}
	if err != nil {
		t.Fatal(err)
	}
	return run(t, Config{URL: url, Plan: p})
}

// wantWell fails the test if something of a run was not as it should be.
func wantWell(t *testing.T, r *report.Result, landed int64) {
	t.Helper()
	v := r.Verdict
	// The machine is shared with other tests, so the generator may be late.
	doubts := slices.DeleteFunc(slices.Clone(v.Doubts), func(d verdict.Reason) bool { return d.About == "latency" })
	if len(r.Errors)+len(v.Failures)+len(v.Invalid)+len(doubts) > 0 {
		t.Errorf("outcome %s, errors %v, failures %v, invalid %v, doubts %v", v.Outcome, r.Errors, v.Failures, v.Invalid, doubts)
	}
	var n int64
	for _, s := range v.Scenarios {
		n += s.Landed
	}
	if n != landed {
		t.Errorf("%d peers did what they should, want %d", n, landed)
	}
}

// figureOf returns the value of the figure whose name contains a text, 0 if there is none.
func figureOf(r *report.Result, name string) float64 {
	for _, f := range r.Figures {
		if strings.Contains(f.Name, name) {
			return f.Value
		}
	}
	return 0
}
