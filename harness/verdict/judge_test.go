package verdict_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// goroutines returns a strict finding with the counts of each cycle.
func goroutines(perCycle ...int64) verdict.Finding {
	f := verdict.Finding{Detector: "goroutines", Class: verdict.Goroutine, PerCycle: perCycle,
		Born: verdict.Site{Function: "github.com/pigeonhub/pigeonhub/hub.(*session).start", File: "/src/pigeonhub/hub/session.go", Line: 120}}
	for _, n := range perCycle {
		f.Count += n
	}
	return f
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*verdict.Run)
		want   verdict.Outcome
		say    string // in the text
		do     string
	}{
		{"pass", func(*verdict.Run) {}, verdict.Pass, "verdict PASS", ""},
		{"leak", func(r *verdict.Run) { r.Findings = []verdict.Finding{goroutines(1009, 1009, 1009)} }, verdict.Leaking, "1.00 per peer, scenario rst", ""},
		{"one_goroutine", func(r *verdict.Run) { r.Findings = []verdict.Finding{goroutines(0, 1, 0)} }, verdict.Leaking, "1 per 101,035 peers", ""},
		{"one_watched_object", func(r *verdict.Run) {
			r.Findings = []verdict.Finding{{Detector: verdict.Watch, Class: verdict.Object, Type: "*hub.session", Count: 1, PerScenario: map[string]int64{"stall": 1}}}
		}, verdict.Leaking, "scenario stall   1 of 19,949", ""},
		{"invariant", func(r *verdict.Run) {
			r.Findings = []verdict.Finding{{Detector: "invariants", Class: verdict.Invariant, Detail: "2 peers, 3 members"}}
		}, verdict.Leaking, "invariant broken", ""},
		{"nothing_more", func(r *verdict.Run) { r.Findings = []verdict.Finding{goroutines(-3, 2, 1), sample.Cache(-1, 0, 0)} }, verdict.Pass, "", ""},

		{"cache_that_fills", func(r *verdict.Run) { r.Findings = []verdict.Finding{sample.Cache(9000, 3000, 500)} }, verdict.Inconclusive, "grows less and less", "twice the cycles"},
		{"table_that_doubles", func(r *verdict.Run) { r.Findings = []verdict.Finding{sample.Cache(0, 4096, 0)} }, verdict.Inconclusive, "1 of 3 cycles", "more cycles"},
		{"by_the_clock", func(r *verdict.Run) { r.Findings = []verdict.Finding{sample.Cache(7, 7, 7)} }, verdict.Inconclusive, "whatever the number of peers", "without peers"},
		{"grows_on", func(r *verdict.Run) { r.Findings = []verdict.Finding{sample.Cache(900, 1200, 800)} }, verdict.Leaking, "scenario not known", ""},
		{"doubt_of_the_caller", func(r *verdict.Run) {
			r.Doubts = []verdict.Reason{{What: "the generator was saturated", Do: "use another machine"}}
		},
			verdict.Inconclusive, "generator was saturated", "another machine"},
		{"undecided_series", func(r *verdict.Run) {
			r.Trends = []verdict.Trend{verdict.Test(verdict.Question{Series: "heap", Scenario: "rst"}, sample.Blocks("rst", 4, 1000, 0))}
		}, verdict.Inconclusive, "heap under rst", "peers more would decide"},

		{"detector_missing", func(r *verdict.Run) {
			r.Detectors[2] = verdict.Detector{Name: "sites", State: verdict.Missing, Why: "MemProfileRate was set too late", Do: "set it in init"}
		}, verdict.Invalid, "detector sites is missing: MemProfileRate was set too late", "set it in init"},
		{"detector_without_a_state", func(r *verdict.Run) { r.Detectors[2].State = "" }, verdict.Invalid, "detector sites is missing", ""},
		{"detector_off", func(r *verdict.Run) { r.Detectors[2].State, r.Detectors[2].Why = verdict.Off, "-short" }, verdict.Pass, "sites: -short", ""},
		{"no_detector", func(r *verdict.Run) { r.Detectors = nil }, verdict.Invalid, "no detector looked", "at least one"},
		{"all_detectors_off", func(r *verdict.Run) {
			for i := range r.Detectors {
				r.Detectors[i].State = verdict.Off
			}
		}, verdict.Invalid, "no detector looked", ""},
		{"churn_did_not_land", func(r *verdict.Run) { r.Scenarios[3].Landed = r.Scenarios[3].Planned * 98 / 100 }, verdict.Invalid, "scenario vanish: only 16,180 of 16,511", "errors of its peers"},
		{"churn_landed_well_enough", func(r *verdict.Run) { r.Scenarios[3].Landed = r.Scenarios[3].Planned*99/100 + 1 }, verdict.Pass, "", ""},
		{"scenario_did_not_run", func(r *verdict.Run) { r.Scenarios[3].Landed, r.Scenarios[3].Planned = 0, 0 }, verdict.Invalid, "scenario vanish: only 0 of 0", ""},
		{"nobody_came", func(r *verdict.Run) { r.Lives = 0 }, verdict.Invalid, "no peer went through a scenario", "hub.Hub in process"},
		{"canary_missed", func(r *verdict.Run) { r.Controls[0].Caught = false }, verdict.Invalid, "planted canary was planted and not caught", "do not trust a pass"},
		{"benign_reported", func(r *verdict.Run) { r.Controls[1].Caught = true }, verdict.Invalid, "pool warm-up is benign and was reported", "do not trust"},
		{"cycles_do_not_fit", func(r *verdict.Run) { r.Findings = []verdict.Finding{goroutines(1, 1)} }, verdict.Invalid, "in 2 cycles, the run had 3", "after every cycle"},
		{"problem_of_the_caller", func(r *verdict.Run) { r.Problems = []verdict.Reason{{What: "the target died", Do: "read its log"}} }, verdict.Invalid, "the target died", "read its log"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := sample.Clean()
			tt.change(&r)
			v := verdict.Judge(r)
			var text strings.Builder
			report.Text(&text, v)
			if v.Outcome != tt.want {
				t.Errorf("got %s, want %s\n%s", v.Outcome, tt.want, text.String())
			}
			for _, want := range []string{tt.say, tt.do} {
				if !strings.Contains(text.String(), want) {
					t.Errorf("the text does not say %q:\n%s", want, text.String())
				}
			}
		})
	}
}

// A run with a missing detector is invalid whatever else it has, and still reports its leaks.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	leak := func(r *verdict.Run) { r.Findings = append(r.Findings, goroutines(1009, 1009, 1009)) }
	maybe := func(r *verdict.Run) { r.Findings = append(r.Findings, sample.Cache(9000, 3000, 500)) }
	stale := func(r *verdict.Run) {
		r.Known = append(r.Known, verdict.Rule{Type: "*hub.ghost", Reason: "gone", Expires: r.Start.AddDate(1, 0, 0)})
	}
	blind := func(r *verdict.Run) { r.Detectors[0].State = verdict.Missing }
	for _, tt := range []struct {
		name    string
		changes []func(*verdict.Run)
		want    verdict.Outcome
		leaks   int
		exit    int
	}{
		{"nothing", nil, verdict.Pass, 0, 0},
		{"maybe", []func(*verdict.Run){maybe}, verdict.Inconclusive, 0, 3},
		{"stale_before_maybe", []func(*verdict.Run){maybe, stale}, verdict.Invalid, 0, 2},
		{"leak_before_stale", []func(*verdict.Run){leak, maybe, stale}, verdict.Leaking, 1, 1},
		{"invalid_before_leak", []func(*verdict.Run){leak, maybe, stale, blind}, verdict.Invalid, 1, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := sample.Clean()
			for _, change := range tt.changes {
				change(&r)
			}
			v := verdict.Judge(r)
			if v.Outcome != tt.want || len(v.Leaks) != tt.leaks || v.Outcome.ExitCode() != tt.exit {
				t.Errorf("got %s with %d leaks and exit code %d, want %s with %d and %d", v.Outcome, len(v.Leaks), v.Outcome.ExitCode(), tt.want, tt.leaks, tt.exit)
			}
		})
	}
}

func TestWorstFirst(t *testing.T) {
	t.Parallel()
	r := sample.Leaking()
	small := goroutines(6007, 6011, 6029)
	small.Bytes = 10
	r.Findings = append([]verdict.Finding{small}, r.Findings...)
	v := verdict.Judge(r)
	if len(v.Leaks) != 2 || v.Leaks[0].Class != verdict.Object {
		t.Errorf("the leak that loses the most is not the first: %+v", v.Leaks)
	}
	if got := v.NotLeaking; strings.Join(got, " ") != "clean goodbye vanish roam stall" {
		t.Errorf("not leaking: %q", got)
	}
}

// A leak whose scenario is unknown may come from any scenario, so that none is cleared.
func TestNothingIsClearedWithoutAScenario(t *testing.T) {
	t.Parallel()
	r := sample.Leaking()
	r.Findings = append(r.Findings, verdict.Finding{Detector: "timers", Class: verdict.Timer, Count: 3})
	v := verdict.Judge(r)
	if len(v.NotLeaking) != 0 {
		t.Errorf("%d leaks, one of an unknown scenario, but cleared are %q", len(v.Leaks), v.NotLeaking)
	}
}

// A target that dies fails the run, even if scenarios did not land.
func TestFailureComesFirst(t *testing.T) {
	t.Parallel()
	r := sample.Clean()
	r.Scenarios[0].Landed = 1
	r.Failures = []verdict.Reason{{What: "the target stopped answering after 1,200 peers", Do: "look at its log"}}
	v := verdict.Judge(r)
	if v.Outcome != verdict.Failed || v.Outcome.ExitCode() != 1 {
		t.Errorf("outcome %s with status %d, want failed with 1", v.Outcome, v.Outcome.ExitCode())
	}
	for _, f := range report.Formats() {
		var b strings.Builder
		if err := f.Write(&b, v); err != nil || !strings.Contains(b.String(), "stopped answering") {
			t.Errorf("%s does not say what failed (%v)", f.File, err)
		}
	}
}

// A failure marked Aside fails the run but does not change what is known of leaks: scenarios are
// cleared, and a leak decides the outcome.
func TestFailureAside(t *testing.T) {
	t.Parallel()
	aside := []verdict.Reason{{What: "the input \"x\" killed the target", Aside: true}}
	r := sample.Leaking()
	cleared := verdict.Judge(r).NotLeaking
	r.Failures = aside
	v := verdict.Judge(r)
	if v.Outcome != verdict.Leaking || len(cleared) == 0 || !slices.Equal(v.NotLeaking, cleared) {
		t.Errorf("outcome %s, cleared %q, and %q without the failure", v.Outcome, v.NotLeaking, cleared)
	}
	for _, f := range report.Formats() {
		var b strings.Builder
		if err := f.Write(&b, v); err != nil || !strings.Contains(b.String(), "killed the target") {
			t.Errorf("%s does not say what failed (%v)", f.File, err)
		}
	}
	var title strings.Builder
	if err := report.Markdown(&title, v); err != nil || !strings.Contains(title.String(), ", and 1 failure\n") {
		t.Errorf("the headline is %.100q (%v)", title.String(), err)
	}
	r.Findings = nil
	if v = verdict.Judge(r); v.Outcome != verdict.Failed || len(v.NotLeaking) != len(r.Scenarios) {
		t.Errorf("outcome %s, cleared %q", v.Outcome, v.NotLeaking)
	}
}

// A series that grows with the doses of one of many scenarios names it.
func TestTrendOfAllScenariosNamesOne(t *testing.T) {
	t.Parallel()
	r := verdict.Run{Lives: 1, Cycles: verdict.Doses([]string{"clean", "rst", "roam"}, 8, func(string) int { return 90 }, 7)}
	level, blocks := 3.0, []verdict.Block{}
	for _, c := range r.Cycles {
		total := 0.0
		for _, n := range c.Doses {
			total += float64(n)
		}
		grown := level + float64(c.Doses["rst"])
		blocks = append(blocks, verdict.Block{Dose: total, Before: level, After: grown}, verdict.Block{Before: grown, After: grown})
		level = grown
	}
	for _, name := range []string{"clean", "rst", "roam"} {
		r.Scenarios = append(r.Scenarios, verdict.Scenario{Name: name, Planned: 1, Landed: 1})
	}
	r.Trends = []verdict.Trend{verdict.TestTogether(verdict.Question{Series: "peers", Class: verdict.Collection, Strict: true, Among: 20}, blocks, r.Cycles)}
	v := verdict.Judge(r)
	if v.Outcome != verdict.Leaking || v.Leaks[0].Source.String() != "scenario rst" {
		t.Errorf("%s %+v, want a leak of scenario rst", v.Outcome, v.Leaks)
	}
}

// The bytes of an object that gets larger follow no dose, because its array grows in steps: no
// scenario is named or cleared, and a cycle without a step raises no doubt.
func TestMemoryNamesNoScenario(t *testing.T) {
	t.Parallel()
	r := sample.Leaking()
	perCycle := of(196, "rst")
	perCycle[1] = 0
	r.Findings = []verdict.Finding{finding("sites", verdict.Memory, perCycle, born("a.go", 3))}
	v := verdict.Judge(r)
	if len(v.Leaks) != 1 || len(v.Leaks[0].Source.Shares) != 0 || len(v.NotLeaking) != 0 || len(v.Doubtful) != 0 {
		t.Errorf("%d leaks, %d doubtful, not leaking %v: %+v", len(v.Leaks), len(v.Doubtful), v.NotLeaking, v.Leaks)
	}
}
