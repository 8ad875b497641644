package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// conformanceResult is what became of all cases.
type conformanceResult struct {
	target string
	start  time.Time
	took   time.Duration
	cases  []conformanceCase
}

// conformanceCase is one case that is over.
type conformanceCase struct {
	name, section string
	outcome       caseOutcome
	why           string // it did not pass
	took          time.Duration
}

type caseOutcome string

const (
	passed        caseOutcome = "PASS"
	failed        caseOutcome = "FAIL"
	undecided     caseOutcome = "MAYBE"
	notApplicable caseOutcome = "N/A"
)

// count returns how many cases have an outcome.
func (r *conformanceResult) count(o caseOutcome) (n int) {
	for _, k := range r.cases {
		if k.outcome == o {
			n++
		}
	}
	return n
}

// exitCode returns the exit code: a failure outweighs a case that is not decided.
func (r *conformanceResult) exitCode() int {
	switch {
	case r.count(failed) > 0:
		return exitFailed
	case r.count(undecided) > 0:
		return exitInconclusive
	}
	return exitPassed
}

// write writes a line.
func (k *conformanceCase) write(w io.Writer) {
	line := fmt.Sprintf("%-5s  %-4s  %-32s  %s", k.outcome, k.section, k.name, report.Printable(k.why)) // the text may come from the target
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

// writeSummary writes the counts and the verdict.
func (r *conformanceResult) writeSummary(w io.Writer) {
	word := map[int]string{exitPassed: "CONFORMS", exitFailed: "FAILED", exitInconclusive: "INCONCLUSIVE"}[r.exitCode()]
	fmt.Fprintf(w, "verdict %s   %d passed, %d failed, %d not decided, %d not applicable, of %d cases, %s, %s\n", word,
		r.count(passed), r.count(failed), r.count(undecided), r.count(notApplicable), len(r.cases), units.Duration(r.took), r.target)
}

// writeJUnit writes a test case for each case: one that is not decided is an error, one that
// does not apply is skipped.
func (r *conformanceResult) writeJUnit(w io.Writer) error {
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
	s := report.JUnitSuite{Name: "loadgen conformance", Time: seconds(r.took), Timestamp: r.start.UTC().Format(time.RFC3339), Hostname: r.target}
	for _, k := range r.cases {
		c := report.JUnitCase{Class: "conformance.section " + k.section, Name: k.name, Time: seconds(k.took)}
		p := &report.JUnitProblem{Message: report.Printable(k.why)}
		switch k.outcome {
		case failed:
			c.Failure = p
		case undecided:
			c.Error = p
		case notApplicable:
			c.Skipped = p
		}
		s.Cases = append(s.Cases, c)
	}
	return s.Write(w)
}
