package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// firstDifference shows the first line that is not the same.
func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			line := func(s []string) string {
				if i < len(s) {
					return s[i]
				}
				return "(no such line)"
			}
			return fmt.Sprintf("line %d\ngot  %s\nwant %s", i+1, line(a), line(b))
		}
	}
	return ""
}

func written(t *testing.T, write func(io.Writer, verdict.Verdict) error, r verdict.Run) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, verdict.Judge(r)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The text of the design, line by line.
func TestTextIsAsDesigned(t *testing.T) {
	t.Parallel()
	want := `LEAK 1 of 1   *hub.session retained   1.00 per peer, scenario rst   3,027 of 3,027 in 3 of 3 cycles   fp b8528e
  born     hub/session.go:88     hub.(*Hub).accept
  kept by  hub.Hub.networks["n-17"].members["ab12…"] -> *hub.session        hub/network.go:61 is where it went in
  bytes    412 each, 1.2 MB in this run; a hub with 10 such leaves a second loses 356 MB a day
  seen by  watch, census hub.Hub.networks[*].members +1,009 a cycle, sites +1,009 to +1,010 a cycle
  clean    goroutines, descriptors, timers, subscriptions
NOT LEAKING  clean, goodbye, vanish, early-close, roam, stall          smallest leak this run could have seen: 1 object per 127 peers
verdict LEAK   101,035 lives, 21 s, seed 0x5eed, commit 1a2b3c4          report: regress-report/index.html
`
	if got := written(t, report.Text, sample.Leaking()); got != want {
		t.Errorf("%s\n%s", firstDifference(got, want), got)
	}
}

func TestTextFitsAScreen(t *testing.T) {
	t.Parallel()
	many := sample.Leaking()
	for i := range 40 {
		growth := []int64{int64(i), 0, int64(3 * i % 7)}
		many.Findings = append(many.Findings, verdict.Finding{
			Detector: "goroutines", Class: verdict.Goroutine, Type: "hub.f" + strings.Repeat("x", i*9),
			Born: verdict.Site{File: "x.go", Line: i + 1}, PerCycle: growth, Count: 1 + growth[0] + growth[2],
		})
	}
	for _, r := range []verdict.Run{sample.Leaking(), sample.Clean(), sample.Trends(), sample.Invalid(), sample.Hostile(), sample.Soak(), many} {
		text := written(t, report.Text, r)
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) > 50 {
			t.Errorf("%d lines are more than a screen:\n%s", len(lines), text)
		}
		for _, line := range lines {
			if n := utf8.RuneCountInString(line); n > 140 && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("a line of %d columns: %s", n, line)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
				t.Errorf("a control character in %q", line)
			}
		}
	}
}

func TestJSONIsAsTheSchemaHasIt(t *testing.T) {
	t.Parallel()
	for _, golden := range goldenRuns {
		for _, wrong := range invalidJSON([]byte(written(t, report.JSON, golden.run()))) {
			t.Errorf("%s: %s", golden.name, wrong)
		}
	}
	broken := strings.Replace(written(t, report.JSON, sample.Leaking()), `"count": 3027`, `"count": "3027"`, 1)
	if len(invalidJSON([]byte(broken))) == 0 {
		t.Error("the check of the schema sees nothing")
	}
}

func TestJSONComesBack(t *testing.T) {
	t.Parallel()
	first := written(t, report.JSON, sample.Hostile())
	var v verdict.Verdict
	if err := json.Unmarshal([]byte(first), &v); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := report.JSON(&again, v); err != nil {
		t.Fatal(err)
	}
	if again.String() != first {
		t.Errorf("read and written again, it differs: %s", firstDifference(again.String(), first))
	}
}

func TestJUnit(t *testing.T) {
	t.Parallel()
	type problem struct {
		Message string `xml:"message,attr"`
	}
	var read struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Cases    []struct {
			Class   string   `xml:"classname,attr"`
			Name    string   `xml:"name,attr"`
			Failure *problem `xml:"failure"`
			Error   *problem `xml:"error"`
		} `xml:"testsuite>testcase"`
	}
	for _, tt := range []struct {
		name           string
		run            verdict.Run
		failed, errors string
	}{
		{"pass", sample.Clean(), "", ""},
		{"leak", sample.Leaking(), "rst watch census sites run", ""},
		{"invalid", sample.Invalid(), "rst watch census sites run", "goodbye goroutines planted canary"},
		{"trend", sample.Trends(), "roam heap under roam networks under roam run", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			read := read
			if err := xml.Unmarshal([]byte(written(t, report.JUnit, tt.run)), &read); err != nil {
				t.Fatal(err)
			}
			var failed, errored []string
			for _, c := range read.Cases {
				if c.Failure != nil {
					failed = append(failed, c.Name)
				}
				if c.Error != nil {
					errored = append(errored, c.Name)
				}
			}
			if strings.Join(failed, " ") != tt.failed || strings.Join(errored, " ") != tt.errors {
				t.Errorf("failed are %q and errors %q, want %q and %q", failed, errored, tt.failed, tt.errors)
			}
			if read.Tests != len(read.Cases) || read.Failures < len(failed)-len(errored) || read.Errors != len(errored) {
				t.Errorf("counts %d, %d and %d of %d cases", read.Tests, read.Failures, read.Errors, len(read.Cases))
			}
		})
	}
}

// A run that does not pass must not look as if it did to a CI system that counts.
func TestJUnitNeverPassesWhatDoesNot(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*verdict.Run){
		func(r *verdict.Run) { r.Findings = []verdict.Finding{sample.Cache(9000, 3000, 500)} },
		func(r *verdict.Run) { r.Doubts = []verdict.Reason{{What: "saturated"}} },
		func(r *verdict.Run) { r.Known = []verdict.Rule{{Type: "x", Expires: r.Start}} },
		func(r *verdict.Run) { r.Detectors = nil },
		func(r *verdict.Run) { r.Findings = []verdict.Finding{{Class: verdict.Goroutine, Count: 1}} },
	} {
		r := sample.Clean()
		change(&r)
		if text := written(t, report.JUnit, r); strings.Contains(text, `failures="0" errors="0"`) {
			t.Errorf("no failure and no error:\n%s", text)
		}
	}
}

func TestSARIF(t *testing.T) {
	t.Parallel()
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Invocations []struct{ ExecutionSuccessful bool }
			Results     []struct {
				RuleID              string
				RuleIndex           int
				Level, Kind         string
				Message             struct{ Text string }
				PartialFingerprints map[string]string
				Suppressions        []struct{ Kind string }
				Locations           []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(written(t, report.SARIF, sample.Hostile())), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || !run.Invocations[0].ExecutionSuccessful || len(run.Results) != 4 {
		t.Fatalf("%+v", log)
	}
	kinds := ""
	for _, r := range run.Results {
		kinds += fmt.Sprintf("%s %s %d; ", r.Kind, r.Level, len(r.Suppressions))
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" || len(r.PartialFingerprints["leak/v1"]) != 32 {
			t.Errorf("%+v", r)
		}
	}
	if kinds != "fail error 0; fail error 0; review none 0; fail error 1; " {
		t.Errorf("got %s", kinds)
	}
	at := run.Results[0].Locations[0].PhysicalLocation
	if at.ArtifactLocation.URI != "hub/session.go" || at.Region.StartLine != 88 {
		t.Errorf("the leak is at %+v", at)
	}
}

// The report needs nothing but itself, and what peers chose stays text.
func TestHTMLIsSelfContained(t *testing.T) {
	t.Parallel()
	outside := regexp.MustCompile(`(?i)(src|href)=|url\(|@import|<script|<link|<iframe|javascript:`)
	for _, golden := range goldenRuns {
		page := written(t, report.HTML, golden.run())
		if at := outside.FindStringIndex(page); at != nil {
			t.Errorf("%s: %q", golden.name, page[max(0, at[0]-60):min(len(page), at[1]+60)])
		}
		if len(page) > 200<<10 {
			t.Errorf("%s: the report has %d bytes", golden.name, len(page))
		}
		if strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "NaN") {
			t.Errorf("%s: a value was not written", golden.name)
		}
	}
}

type broken struct{}

var errBroken = errors.New("disk full")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestWritersReturnErrors(t *testing.T) {
	t.Parallel()
	for _, f := range report.Formats() {
		if err := f.Write(broken{}, verdict.Judge(sample.Leaking())); !errors.Is(err, errBroken) {
			t.Errorf("%s: got %v", f.File, err)
		}
	}
}

// Cycles in which some scenarios had no peers are marked as trials.
func TestTrialsAreMarked(t *testing.T) {
	t.Parallel()
	r := sample.Leaking()
	r.Cycles[2].Trial = true
	page := written(t, report.HTML, r)
	for _, want := range []string{">cycle 2</th>", ">trial 1</th>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	for _, write := range []func(io.Writer, verdict.Verdict) error{report.Text, report.Markdown} {
		if got := written(t, write, r); !strings.Contains(got, "21 s, 1 trial, seed 0x5eed") {
			t.Errorf("it is not said that there was a trial:\n%s", got)
		}
		if got := written(t, write, sample.Leaking()); strings.Contains(got, "trial") {
			t.Errorf("trials in a run that had none:\n%s", got)
		}
	}
}
