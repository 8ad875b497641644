package verdict_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
)

// A run that did not look for leaks is neither a pass nor clears anything.
func TestUntested(t *testing.T) {
	t.Parallel()
	aside := []verdict.Detector{{Name: "health", State: verdict.Ready, Aside: true}}
	flat := verdict.Test(verdict.Question{Series: "heap", Unit: verdict.Bytes}, sample.Blocks("", 30, 500, 0))
	young := verdict.Test(verdict.Question{Series: "heap", Unit: verdict.Bytes}, sample.Blocks("", 2, 500, 0))
	for name, tt := range map[string]struct {
		change func(*verdict.Run)
		want   verdict.Outcome
		clear  int
	}{
		"load":       {func(r *verdict.Run) { r.Detectors = aside }, verdict.Untested, 0},
		"experiment": {func(r *verdict.Run) { r.Detectors, r.Trends = aside, []verdict.Trend{flat} }, verdict.Pass, 7},
		"young":      {func(r *verdict.Run) { r.Detectors, r.Trends = aside, []verdict.Trend{young} }, verdict.Inconclusive, 0},
		"young, and more": {func(r *verdict.Run) {
			r.Trends, r.Thresholds = []verdict.Trend{young}, []verdict.Threshold{sample.Held}
		}, verdict.Inconclusive, 0},
		"doubt": {func(r *verdict.Run) { r.Doubts = []verdict.Reason{{What: "2 messages were lost"}} }, verdict.Inconclusive, 0},
		"detector off": {func(r *verdict.Run) {
			r.Detectors = append(aside, verdict.Detector{Name: "leaks", State: verdict.Off})
		}, verdict.Untested, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := sample.Clean()
			tt.change(&r)
			v := verdict.Judge(r)
			if v.Outcome != tt.want || len(v.NotLeaking) != tt.clear || v.Clears() != (tt.want == verdict.Pass) {
				t.Errorf("%s, cleared %q, want %s", v.Outcome, v.NotLeaking, tt.want)
			}
		})
	}
}
