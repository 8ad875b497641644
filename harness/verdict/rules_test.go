package verdict_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

func TestKnownLeaks(t *testing.T) {
	t.Parallel()
	today := time.Date(2026, 11, 23, 23, 59, 0, 0, time.UTC)
	day := func(n int) time.Time { return today.AddDate(0, 0, n) }
	fp := verdict.Judge(sample.Leaking()).Leaks[0].Fingerprint
	for _, tt := range []struct {
		name string
		rule verdict.Rule
		want verdict.Outcome
		say  string
	}{
		{"by_fingerprint", verdict.Rule{Fingerprint: fp[:6], Reason: "as agreed", Issue: "#12", Expires: day(30)}, verdict.Pass, "until 2026-12-23: as agreed (#12)"},
		{"by_whole_fingerprint", verdict.Rule{Fingerprint: fp, Expires: day(30)}, verdict.Pass, "KNOWN"},
		{"by_class_and_type", verdict.Rule{Class: verdict.Object, Type: "*session", Expires: day(1)}, verdict.Pass, "KNOWN"},
		{"by_path", verdict.Rule{Field: "hub.Hub.networks[*].*", Expires: day(1)}, verdict.Pass, "KNOWN"},
		{"until_its_last_day", verdict.Rule{Type: "*session", Expires: day(0).Add(-23 * time.Hour)}, verdict.Pass, "KNOWN"},
		{"expired", verdict.Rule{Type: "*session", Reason: "later", Expires: day(-1)}, verdict.Leaking, "known until 2026-11-22 (later)"},
		{"without_a_date", verdict.Rule{Type: "*session"}, verdict.Leaking, "but has no date"},
		{"not_this_class", verdict.Rule{Class: verdict.Timer, Type: "*session", Expires: day(1)}, verdict.Leaking, "matches nothing"},
		{"too_few_digits", verdict.Rule{Fingerprint: fp[:5], Expires: day(1)}, verdict.Leaking, "matches nothing"},
		{"everything", verdict.Rule{Reason: "all of them", Expires: day(1)}, verdict.Leaking, "the rule for nothing matches nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := sample.Leaking()
			r.Known, r.Today = []verdict.Rule{tt.rule}, today
			v := verdict.Judge(r)
			var text strings.Builder
			report.Text(&text, v)
			if v.Outcome != tt.want || !strings.Contains(text.String(), tt.say) {
				t.Errorf("got %s, want %s and %q in:\n%s", v.Outcome, tt.want, tt.say, text.String())
			}
		})
	}
}

// A rule that matches no leak makes a clean run invalid, but is not reported if a detector is
// missing.
func TestStaleRules(t *testing.T) {
	t.Parallel()
	r := sample.Clean()
	for _, expires := range []int{1, -1} {
		r.Known = []verdict.Rule{{Type: "*hub.session", Reason: "x", Expires: r.Start.AddDate(0, 0, expires)}}
		v := verdict.Judge(r)
		if v.Outcome != verdict.Invalid || len(v.Invalid) != 1 || !strings.Contains(v.Invalid[0].Do, "remove it") {
			t.Errorf("a rule that matches nothing makes %s: %+v", v.Outcome, v.Invalid)
		}
	}
	r.Detectors[0].State = verdict.Missing
	if v := verdict.Judge(r); len(v.Invalid) != 1 {
		t.Errorf("a rule is reported although a detector is missing: %+v", v.Invalid)
	}
}

// A rule of a suite is stale if it matches in none of the runs. It does not make a run invalid in
// which it does not match.
func TestStaleRulesOfASuite(t *testing.T) {
	t.Parallel()
	clean, leaking := sample.Clean(), sample.Leaking()
	l := verdict.Judge(leaking).Leaks[0]
	rules := []verdict.Rule{{Fingerprint: l.Fingerprint, Reason: "x", Expires: clean.Start.AddDate(1, 0, 0)}, {Type: "*hub.ghost", Reason: "gone", Expires: clean.Start.AddDate(1, 0, 0)}}
	var suite []verdict.Verdict
	for _, r := range []verdict.Run{clean, leaking} {
		r.Known, r.Suite = rules, true
		suite = append(suite, verdict.Judge(r))
	}
	if suite[0].Outcome != verdict.Pass || len(suite[1].Known) != 1 {
		t.Errorf("the clean run is %s for %v, and %d leaks are known", suite[0].Outcome, suite[0].Invalid, len(suite[1].Known))
	}
	if stale := verdict.Stale(rules, suite); len(stale) != 1 || !strings.Contains(stale[0].What, "hub.ghost") {
		t.Errorf("stale: %v", stale)
	}
	suite[0].Invalid = []verdict.Reason{{What: "blind"}}
	if stale := verdict.Stale(rules, suite); len(stale) > 0 {
		t.Errorf("stale although a run was invalid: %v", stale)
	}
}
