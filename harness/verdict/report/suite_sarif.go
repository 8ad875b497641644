package report

import (
	"cmp"
	"io"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// SuiteSARIF writes the leaks of a suite, each once, as SARIF writes those of a run.
func SuiteSARIF(w io.Writer, s Suite) error {
	run := sarifRun{
		Automation: sarifAutomation{cmp.Or(s.Name, "leaks") + "/"},
		Results:    []sarifResult{},
		Properties: map[string]any{"outcome": s.Outcome()},
	}
	for i := range s.Runs {
		run.Invocations = append(run.Invocations, newSARIFInvocation(&s.Runs[i].Verdict))
	}
	if len(s.Failed) > 0 {
		run.Invocations = append(run.Invocations, s.failedInvocation())
	}
	for _, c := range s.causes() {
		r := newSARIFResult(&s.Runs[c.run].Verdict, c.leak, "error", "fail")
		r.Message.Text += "\nin: " + strings.Join(s.runsOf(c), "; ")
		run.Results = append(run.Results, r)
	}
	for i := range s.Runs {
		v := s.Runs[i].Verdict
		v.Leaks = nil
		run.Results = append(run.Results, sarifResults(&v)...)
	}
	return writeSARIF(w, run)
}

// failedInvocation tells the tests that failed.
func (s *Suite) failedInvocation() sarifInvocation {
	start := s.Start.UTC()
	inv := sarifInvocation{CommandLine: s.Command, Start: start.Format(time.RFC3339),
		End: start.Add(time.Duration(s.Seconds * float64(time.Second))).Format(time.RFC3339)}
	for _, f := range s.Failed {
		inv.Notifications = append(inv.Notifications, sarifNotification{"error", sarifText{units.Because(f.Test, firstLine(f.What))}})
	}
	return inv
}
