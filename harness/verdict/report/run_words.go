package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// untested is the headline of a run that did not look for leaks.
const untested = "Load done, leaks not tested"

// headline returns the verdict in one sentence.
func headline(v *verdict.Verdict) string {
	switch v.Outcome {
	case verdict.Pass:
		return "No leak"
	case verdict.Untested:
		return untested
	case verdict.Leaking:
		what := units.Plural(int64(len(v.Leaks)), "leak")
		if len(v.Leaks) == 1 {
			what = title(&v.Leaks[0])
		}
		if n := len(v.Failures); n > 0 {
			what += ", and " + units.Plural(int64(n), "failure")
		}
		return what
	case verdict.Failed:
		if len(v.Failures) == 0 {
			return "Failed: " + withOutcome(v.Thresholds, verdict.Failed)[0]
		}
		return "Failed: " + v.Failures[0].What
	case verdict.Inconclusive:
		switch {
		case v.MayLeak():
			return "Undecided: there may be a leak"
		case len(v.Doubts) > 0:
			return "Undecided: " + v.Doubts[0].What
		}
		return "Undecided: " + withOutcome(v.Thresholds, verdict.Inconclusive)[0]
	}
	if len(v.Invalid) == 1 {
		return "The run cannot tell: " + v.Invalid[0].What
	}
	return fmt.Sprintf("The run cannot tell, for %s", units.Plural(int64(len(v.Invalid)), "reason"))
}

// provenance identifies the run and its target.
func provenance(v *verdict.Verdict) string {
	about := whichRun(v)
	if v.Run.Target != "" {
		about = append(about, v.Run.Target)
	}
	return strings.Join(about, ", ")
}

func shortCommit(commit string) string { return commit[:min(7, len(commit))] }

// whichRun identifies the run.
func whichRun(v *verdict.Verdict) []string {
	about := []string{units.Plural(v.Run.Lives, "life", "lives"), units.Seconds(v.Run.Seconds)}
	var trials int64
	for _, c := range v.Cycles {
		if c.Trial && c.Peers() > 0 {
			trials++
		}
	}
	if trials > 0 {
		about = append(about, units.Plural(trials, "trial"))
	}
	about = append(about, "seed "+v.Run.Seed)
	if v.Run.Commit != "" {
		about = append(about, "commit "+shortCommit(v.Run.Commit))
	}
	return about
}

// cycleNames returns a name for each cycle. Trials and cycles without peers have names of their own.
func cycleNames(v *verdict.Verdict) []string {
	names, cycles, trials := make([]string, len(v.Cycles)), 0, 0
	for k, c := range v.Cycles {
		switch {
		case c.Trial && c.Peers() == 0:
			names[k] = "without peers"
		case c.Trial:
			trials++
			names[k] = fmt.Sprintf("trial %d", trials)
		default:
			cycles++
			names[k] = fmt.Sprintf("cycle %d", cycles)
		}
	}
	return names
}

// rank sorts failed thresholds first, then inconclusive ones.
func rank(t *verdict.Threshold) int {
	return slices.Index([]verdict.Outcome{verdict.Failed, verdict.Inconclusive, verdict.Pass}, t.Outcome)
}

// thresholdWords are the outcomes of thresholds in words.
var thresholdWords = map[verdict.Outcome]string{verdict.Pass: "held", verdict.Failed: "failed", verdict.Inconclusive: "not known"}

// withOutcome returns the thresholds with an outcome, each in one line.
func withOutcome(list []verdict.Threshold, o verdict.Outcome) []string {
	var lines []string
	for _, t := range list {
		if t.Outcome == o {
			lines = append(lines, t.String())
		}
	}
	return lines
}
