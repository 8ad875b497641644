package report_test

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// Every form says which threshold failed, and what was measured.
func TestThresholdsAreTold(t *testing.T) {
	t.Parallel()
	for _, f := range report.Formats() {
		got := written(t, f.Write, sample.Thresholds())
		for _, want := range []string{"p99(offer)", "81ms", "p99(ping)", "the generator was saturated"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s does not say %q", f.File, want)
			}
		}
	}
	got := written(t, report.JUnit, sample.Thresholds())
	if !strings.Contains(got, `failures="1" errors="1"`) {
		t.Errorf("a failed and an unknown threshold make %s", strings.SplitN(got, "\n", 3)[1])
	}
}

// Sections of the caller are in the page, in their order.
func TestSections(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	err := report.HTMLWith(&b, verdict.Judge(sample.Clean()), []report.Section{{Title: "First <1>", Body: "<i>one</i>"}}, []report.Section{{Title: "Last", Body: "two"}})
	one, scenarios, two := strings.Index(b.String(), "<i>one</i>"), strings.Index(b.String(), "<h2>Scenarios"), strings.Index(b.String(), "two\n")
	if err != nil || one < 0 || one > scenarios || scenarios > two || !strings.Contains(b.String(), "First &lt;1&gt;") {
		t.Errorf("sections at %d and %d of a page with scenarios at %d: %v", one, two, scenarios, err)
	}
}
