package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// WriteText writes the comparison for a terminal.
func (c *Comparison) WriteText(w io.Writer) error {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tbefore\tnow\tratio\tnoise\t")
	for _, r := range c.Rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.A, r.B, r.ratio(), r.floor(), r.stateText())
	}
	table.Flush()
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "note  %s\n", n)
	}
	fmt.Fprintf(&b, "compared  %s\n", c.headline())
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteMarkdown writes the comparison for the summary page of a CI job, or a comment.
func (c *Comparison) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	badge := map[verdict.Outcome]string{verdict.Pass: "✅", verdict.Failed: "❌", verdict.Inconclusive: "🟡"}[c.Outcome]
	fmt.Fprintf(&b, "## %s %s\n\n| | before | now | ratio | noise | |\n|---|--:|--:|--:|--:|---|\n", badge, c.headline())
	for _, r := range c.Rows {
		if r.State != Equal && r.State != Skipped {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | **%s** |\n", report.EscapeMarkdown(r.Name), report.EscapeMarkdown(r.A), report.EscapeMarkdown(r.B), r.ratio(), r.floor(), report.EscapeMarkdown(r.stateText()))
		}
	}
	fmt.Fprintf(&b, "\n<details><summary>%d equal, %d not compared</summary>\n\n| | before | now | ratio | noise | |\n|---|--:|--:|--:|--:|---|\n", c.count(Equal), c.count(Skipped))
	for _, r := range c.Rows {
		if r.State == Equal || r.State == Skipped {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", report.EscapeMarkdown(r.Name), report.EscapeMarkdown(r.A), report.EscapeMarkdown(r.B), r.ratio(), r.floor(), report.EscapeMarkdown(r.stateText()))
		}
	}
	b.WriteString("\n</details>\n\n")
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "- %s\n", report.EscapeMarkdown(n))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// headline returns the comparison in one sentence.
func (c *Comparison) headline() string {
	var words []string
	for _, s := range states {
		if n := c.count(s); n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, s))
		}
	}
	passed := "No regression"
	if c.count(Hidden) > 0 {
		passed = "No regression seen" // the noise may hide one
	}
	return map[verdict.Outcome]string{verdict.Pass: passed, verdict.Failed: "Regression", verdict.Inconclusive: "Undecided"}[c.Outcome] + ": " + strings.Join(words, ", ")
}

func (r *Compared) ratio() string {
	if r.Ratio == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", r.Ratio)
}

func (r *Compared) floor() string {
	if r.Floor == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*r.Floor)
}

// stateText returns the state, in capitals if it requires action.
func (r *Compared) stateText() string {
	s := string(r.State)
	if r.State == Worse {
		s = strings.ToUpper(s)
	}
	if r.Why != "" {
		s += ": " + r.Why
	}
	return s
}
