package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// randomResult returns a result as a run of loadgen might have it: tested for leaks or not,
// with losses, doubts, failures, and thresholds.
func randomResult(t *testing.T, rng *rand.Rand) *Result {
	t.Helper()
	r := &Result{Schema: SchemaVersion, Timing: Timing{Outcome: verdict.None, Why: "the schedule was kept"}, Latencies: latency.NewRecorder().Snapshot()}
	sent := rng.Int64N(1000)
	r.Deliveries = delivery.Counts{Sent: sent, Delivered: sent}
	if lost := rng.Int64N(20) - 13; lost > 0 && lost < sent {
		r.Deliveries.Lost, r.Deliveries.Delivered = lost, sent-lost
	}
	run := verdict.Run{Name: "loadgen", Lives: 1000, Detectors: []verdict.Detector{{Name: "health", State: verdict.Ready, Aside: true}}}
	for _, name := range []string{"clean", "rst", "signal"} {
		run.Scenarios = append(run.Scenarios, verdict.Scenario{Name: name, Planned: 100, Landed: 100 - rng.Int64N(30)/29})
	}
	if rng.IntN(2) == 0 {
		for range 1 + rng.IntN(2) {
			run.Trends = append(run.Trends, randomTrend(rng))
		}
	} else {
		run.Detectors = append(run.Detectors, verdict.Detector{Name: "leaks", State: verdict.Off, Why: "leaks: not tested"})
	}
	run.Doubts = r.Deliveries.Doubts()
	if rng.IntN(6) == 0 {
		run.Failures = append(run.Failures, verdict.Reason{What: "it died", Aside: rng.IntN(2) == 0})
	}
	r.Verdict = verdict.Judge(run)
	for _, text := range []string{"lost==0", "leak==none", "leak(rst)==none"} {
		if th, err := plan.ParseThreshold(text); err != nil {
			t.Fatal(err)
		} else if rng.IntN(3) == 0 && (len(run.Trends) > 0 || text == "lost==0") {
			run.Thresholds = append(run.Thresholds, JudgeThreshold(th, r, &r.Verdict))
		}
	}
	r.Verdict = verdict.Judge(run)
	return r
}

// randomTrend is of a series that is flat, grows, or was read too seldom to tell.
func randomTrend(rng *rand.Rand) verdict.Trend {
	q := verdict.Question{Series: fmt.Sprint("series", rng.IntN(3)), Strict: rng.IntN(2) == 0, Fills: rng.IntN(2) == 0, Matters: 0.5}
	slope, level, before := float64(max(0, rng.IntN(4)-1))/2, 0.0, 0.0
	var blocks []verdict.Block
	for range 2 + rng.IntN(40) {
		on := verdict.Block{Dose: float64(90 + rng.IntN(20)), Before: before}
		level += slope * on.Dose
		on.After = level + float64(rng.IntN(5))
		off := verdict.Block{Before: on.After, After: level + float64(rng.IntN(5))}
		before = off.After
		blocks = append(blocks, on, off)
	}
	return verdict.Test(q, blocks)
}

// acquittal are words that only a run may have that was tested and passed.
var acquittal = regexp.MustCompile(`\bPASS\b|No leak\b|: pass\b|\bcleared\b|NOT LEAKING|Not leaking|not leaking<|✅ No`)

// A verdict contradicts nothing beside it, in no form: no word acquits what was not tested
// or not decided, and all forms count the same losses.
func TestNoFormContradictsTheVerdict(t *testing.T) {
	t.Parallel()
	seen := map[verdict.Outcome]int{}
	rounds, least := uint64(100), 3
	if testing.Short() { // one goroutine
		rounds, least = 20, 1
	}
	for seed := range rounds {
		r := randomResult(t, rand.New(rand.NewPCG(seed, 9)))
		seen[r.Verdict.Outcome]++
		forms := write(t, r)
		for name, text := range forms {
			for _, wrong := range contradictions(r, name, text) {
				t.Errorf("seed %d, %s, %s: %s", seed, r.Verdict.Outcome, name, wrong)
			}
		}
		junit(t, seed, r, forms["junit.xml"])
		if t.Failed() {
			return
		}
	}
	for _, o := range []verdict.Outcome{verdict.Pass, verdict.Untested, verdict.Leaking, verdict.Inconclusive, verdict.Failed} {
		if seen[o] < least {
			t.Errorf("only %d results are %s", seen[o], o)
		}
	}
}

// write returns all forms of a result by their file.
func write(t *testing.T, r *Result) map[string]string {
	t.Helper()
	dir, forms := t.TempDir(), map[string]string{}
	if err := r.WriteReport(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"index.html", "loadgen.json", "verdict.md", "verdict.txt", "junit.xml", "leaks.sarif"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		forms[name] = string(b)
	}
	var b bytes.Buffer
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	forms["text"] = b.String()
	return forms
}

func contradictions(r *Result, form, text string) (wrong []string) {
	v, d := &r.Verdict, r.Deliveries
	text = strings.ReplaceAll(text, "not cleared", "")
	partly := v.Outcome == verdict.Leaking || v.Outcome == verdict.Failed // of the scenarios that do not leak
	if word := acquittal.FindString(text); word != "" && !v.Clears() && !(partly && len(v.NotLeaking) > 0) {
		wrong = append(wrong, fmt.Sprintf("it says %q", word))
	}
	for _, tr := range v.Trends {
		if tr.Outcome == verdict.Leaking && tr.Returned {
			wrong = append(wrong, tr.Series+" leaks and is back")
		}
	}
	for _, th := range v.Thresholds {
		if strings.HasPrefix(th.Text, "leak==") && th.Outcome == verdict.Pass && !v.Clears() && v.Outcome != verdict.Failed {
			wrong = append(wrong, th.Text+" holds")
		}
	}
	lost := fmt.Sprintf("%d were lost", d.Lost)
	if says := regexp.MustCompile(`\d+ were lost`).FindString(text); says != "" && says != lost {
		wrong = append(wrong, says+", but "+lost)
	}
	if form == "text" && d.Sent > 0 && !strings.Contains(text, fmt.Sprintf(", %d lost,", d.Lost)) {
		wrong = append(wrong, "other losses")
	}
	if form == "loadgen.json" {
		var back Result
		if err := json.Unmarshal([]byte(text), &back); err != nil || back.Deliveries != d || back.Verdict.Outcome != v.Outcome {
			wrong = append(wrong, fmt.Sprintf("another result: %v", err))
		}
	}
	return wrong
}

// junit checks that a CI job sees what the exit status says, and a run without a test of
// leaks as skipped.
func junit(t *testing.T, seed uint64, r *Result, text string) {
	t.Helper()
	var suites struct {
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Cases    []struct {
			Name    string    `xml:"name,attr"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal([]byte(text), &suites); err != nil {
		t.Fatal(err)
	}
	if bad := suites.Failures+suites.Errors > 0; bad != (r.Verdict.Outcome.ExitCode() != 0) {
		t.Errorf("seed %d: %s with %d failures and %d errors", seed, r.Verdict.Outcome, suites.Failures, suites.Errors)
	}
	for _, c := range suites.Cases {
		if c.Name == "leaks" && c.Skipped == nil {
			t.Errorf("seed %d: leaks were not tested, and their case is not skipped", seed)
		}
	}
}
