package report_test

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// suiteOf returns a suite of runs with names of their own.
func suiteOf(runs ...verdict.Run) report.Suite {
	s := report.Suite{Name: "regress", Start: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC), Seconds: 90, Command: "go test ./regress", Report: "/src/regress-report/index.html"}
	for i, r := range runs {
		r.Name = "run " + string(rune('a'+i))
		s.Runs = append(s.Runs, report.SuiteRun{Verdict: verdict.Judge(r), Page: "runs/" + string(rune('a'+i)) + "/index.html"})
	}
	return s
}

// found returns the clean run with findings.
func found(findings ...verdict.Finding) verdict.Run {
	r := sample.Clean()
	r.Findings = findings
	return r
}

// Findings of runs like sample.Clean.
var (
	bornAt    = verdict.Site{Function: "main.start", File: "cmd/pigeonhub/serve.go", Line: 165}
	grown     = finding(verdict.Collection, "roam", verdict.Finding{Field: "hub.Hub.networks", Stored: verdict.Site{File: "hub/network.go", Line: 29}})
	gauge     = finding(verdict.Gauge, "roam", verdict.Finding{Field: "hub.Hub.networks"})
	violated  = finding(verdict.Invariant, "", verdict.Finding{Detail: "network is empty"})
	outside   = finding(verdict.Object, "roam", verdict.Finding{Born: bornAt})
	inside    = finding(verdict.Object, "roam", verdict.Finding{Born: bornAt, Path: []verdict.Edge{{Holder: "main.service", Field: "closing"}}})
	elsewhere = finding(verdict.Object, "roam", verdict.Finding{Born: bornAt, Path: []verdict.Edge{{Holder: "main.service", Field: "waiting"}}})
	another   = finding(verdict.Goroutine, "vanish", verdict.Finding{Born: verdict.Site{Function: "hub.run", File: "hub/run.go", Line: 7}})
)

// A timer that is never stopped, and the session that it holds.
var (
	armed   = finding(verdict.Timer, "roam", verdict.Finding{Type: "*time.Timer", Born: verdict.Site{Function: "hub.remind", File: "hub/report.go", Line: 63}})
	awaited = finding(verdict.Object, "roam", verdict.Finding{Type: "*hub.session", Path: []verdict.Edge{
		{Kind: verdict.TimersHolder, Holder: "runtime timers", Field: "[21]"},
		{Kind: verdict.FunctionHolder, Holder: "func hub.remind.func1", Field: "s", Site: verdict.Site{Function: "hub.remind.func1"}},
	}})
)

// finding completes a finding of one thing for each peer of a scenario, or of one in each cycle.
func finding(class verdict.Class, scenario string, f verdict.Finding) verdict.Finding {
	f.Class, f.PerCycle = class, []int64{1, 1, 1}
	f.Detector = map[verdict.Class]string{verdict.Collection: "census", verdict.Goroutine: "goroutines"}[class]
	if f.Detector == "" {
		f.Detector = "gauges"
	}
	if scenario != "" {
		f.PerCycle = sample.Retained(1, scenario)
	}
	for _, n := range f.PerCycle {
		f.Count += n
	}
	return f
}

func TestSuiteGolden(t *testing.T) {
	t.Parallel()
	s := suiteOf(found(violated), sample.Leaking(), sample.Clean(), sample.Invalid(), sample.Leaking())
	s.Failed = []report.TestFailure{{Test: "a <b>test</b>", Place: "regress/x_test.go:1", What: "no pong\nwithin 3 s"}}
	for _, format := range report.SuiteFormats() {
		var got bytes.Buffer
		if err := format.Write(&got, s); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", "suite."+format.File+".golden")
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs from what is written (go test -update accepts it):\n%s", file, firstDifference(got.String(), string(want)))
		}
	}
}

// What several runs see of one leak is one leak, told by the run that locates it best, and one
// failed case. Different leaks stay apart.
func TestSuiteJoinsLeaks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		runs     []verdict.Run
		leaks    int
		headline string
	}{
		{"the same", []verdict.Run{found(grown), found(grown)}, 1, "hub.Hub.networks grows"},
		{"a gauge of the same collection", []verdict.Run{found(gauge), found(grown)}, 1, "hub.Hub.networks grows"},
		{"the invariant that it breaks", []verdict.Run{found(violated), found(grown, violated)}, 1, "hub.Hub.networks grows"},
		{"two leaks", []verdict.Run{found(grown), found(another)}, 2, ""},
		{"two leaks of one run", []verdict.Run{found(grown, another)}, 2, ""},
		{"a line alone, and with its field", []verdict.Run{found(inside), found(outside), found(outside)}, 1, "object of main.start retained"},
		{"two fields of one line", []verdict.Run{found(inside), found(elsewhere)}, 2, ""},
		{"a timer, and what it holds", []verdict.Run{found(armed, awaited), found(awaited)}, 1, "timer *time.Timer still armed"},
		{"an invariant alone", []verdict.Run{found(violated), found(another)}, 2, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := suiteOf(tt.runs...)
			var text, junit bytes.Buffer
			if err := report.SuiteText(&text, s); err != nil {
				t.Fatal(err)
			}
			if n := len(regexp.MustCompile(`(?m)^LEAK \d+ of`).FindAllString(text.String(), -1)); n != tt.leaks {
				t.Errorf("%d leaks, want %d:\n%s", n, tt.leaks, &text)
			}
			if !strings.Contains(text.String(), "suite LEAK   "+tt.headline) {
				t.Errorf("the headline is not %q:\n%s", tt.headline, &text)
			}
			if err := report.SuiteJUnit(&junit, s); err != nil {
				t.Fatal(err)
			}
			var doc struct {
				Failures int `xml:"failures,attr"`
			}
			if err := xml.Unmarshal(junit.Bytes(), &doc); err != nil || doc.Failures != tt.leaks {
				t.Errorf("%d failed cases (%v), want %d:\n%s", doc.Failures, err, tt.leaks, &junit)
			}
		})
	}
}

// The worst outcome of the runs is that of the suite.
func TestSuiteOutcome(t *testing.T) {
	t.Parallel()
	failed := []report.TestFailure{{Test: "x"}}
	for _, tt := range []struct {
		name   string
		runs   []verdict.Run
		failed []report.TestFailure
		want   verdict.Outcome
	}{
		{"nothing", nil, nil, verdict.Untested},
		{"clean", []verdict.Run{sample.Clean(), sample.Clean()}, nil, verdict.Pass},
		{"a failed test", []verdict.Run{sample.Clean()}, failed, verdict.Failed},
		{"invalid", []verdict.Run{sample.Clean(), sample.Invalid()}, nil, verdict.Invalid},
		{"a leak and an invalid run", []verdict.Run{found(grown), sample.Invalid()}, nil, verdict.Leaking},
		{"a leak and a failed test", []verdict.Run{found(grown)}, failed, verdict.Leaking},
		{"an invalid run and a failed test", []verdict.Run{sample.Invalid()}, failed, verdict.Failed},
	} {
		s := suiteOf(tt.runs...)
		s.Failed = tt.failed
		if got := s.Outcome(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
