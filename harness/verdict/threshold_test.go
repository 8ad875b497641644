package verdict_test

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

var (
	held    = verdict.Threshold{Text: "lost==0", Outcome: verdict.Pass, Actual: "0"}
	failed  = verdict.Threshold{Text: "p99(offer)<50ms", Outcome: verdict.Failed, Actual: "81ms"}
	unknown = verdict.Threshold{Text: "p99(ping)<5ms", Outcome: verdict.Inconclusive, Actual: "4ms", Why: "the generator was saturated"}
)

// thresholdRun is a run without a leak, one threshold of which failed.
func thresholdRun() verdict.Run {
	r := sampleRun()
	r.Thresholds = []verdict.Threshold{held, failed, unknown}
	return r
}

// A threshold can make a pass worse, and nothing else better.
func TestThresholdsDecide(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		run  func() verdict.Run
		with []verdict.Threshold
		want verdict.Outcome
	}{
		{"held", sampleRun, []verdict.Threshold{held}, verdict.Pass},
		{"failed", sampleRun, []verdict.Threshold{held, failed, unknown}, verdict.Failed},
		{"not known", sampleRun, []verdict.Threshold{held, unknown}, verdict.Inconclusive},
		{"a leak stays one", leakingRun, []verdict.Threshold{held, failed}, verdict.Leaking},
		{"an invalid run cannot tell", invalidRun, []verdict.Threshold{failed}, verdict.Invalid},
	} {
		r := tt.run()
		r.Thresholds = tt.with
		v := verdict.Judge(r)
		if v.Outcome != tt.want {
			t.Errorf("%s: outcome %s, want %s", tt.name, v.Outcome, tt.want)
		}
		if tt.want == verdict.Failed && len(v.NotLeaking) == 0 {
			t.Errorf("%s: a threshold took what is known of the leaks away", tt.name)
		}
	}
}

// Every form says which threshold failed, and what was measured.
func TestThresholdsAreTold(t *testing.T) {
	t.Parallel()
	for _, f := range verdict.Formats() {
		got := written(t, f.Write, thresholdRun())
		for _, want := range []string{"p99(offer)", "81ms", "p99(ping)", "the generator was saturated"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s does not say %q", f.File, want)
			}
		}
	}
	got := written(t, verdict.JUnit, thresholdRun())
	if !strings.Contains(got, `failures="1" errors="1"`) {
		t.Errorf("a failed and an unknown threshold make %s", strings.SplitN(got, "\n", 3)[1])
	}
}

// Sections of the caller are in the page, in their order.
func TestSections(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	err := verdict.HTMLWith(&b, verdict.Judge(sampleRun()), []verdict.Section{{Title: "First <1>", Body: "<i>one</i>"}}, []verdict.Section{{Title: "Last", Body: "two"}})
	one, scenarios, two := strings.Index(b.String(), "<i>one</i>"), strings.Index(b.String(), "<h2>Scenarios"), strings.Index(b.String(), "two\n")
	if err != nil || one < 0 || one > scenarios || scenarios > two || !strings.Contains(b.String(), "First &lt;1&gt;") {
		t.Errorf("sections at %d and %d of a page with scenarios at %d: %v", one, two, scenarios, err)
	}
}
