package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// SuiteMarkdown writes a suite for the summary page of a CI job.
func SuiteMarkdown(w io.Writer, s Suite) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s %s\n\n", badge[s.Outcome()], md(s.headline()))
	for _, c := range s.causes() {
		mdLeak(&b, c.leak, s.Runs[c.run].Verdict.Run.Rate)
		fmt.Fprintf(&b, "In %s\n\n", md(strings.Join(s.runsOf(c), "; ")))
	}
	for _, f := range s.Failed {
		fmt.Fprintf(&b, "- failed: %s %s: %s\n", md(f.Test), code(f.Place), md(firstLine(f.What)))
	}
	b.WriteString("\n| run | verdict | peers | time | smallest leak it could have seen |\n|---|---|---|---|---|\n")
	for i := range s.Runs {
		v := &s.Runs[i].Verdict
		fmt.Fprintf(&b, "| %s | %s %s | %s | %s | %s |\n", md(v.Run.Name), badge[v.Outcome], md(headline(v)), units.Count(v.Run.Lives), units.Seconds(v.Run.Seconds), md(v.Sensitivity.String()))
	}
	b.WriteString("\n")
	mdCoverage(&b, s.Coverage)
	if s.Command != "" {
		fmt.Fprintf(&b, "%s\n", fenced(s.Command))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
