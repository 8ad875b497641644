package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Markdown writes the verdict for the summary page of a CI job.
func Markdown(w io.Writer, v verdict.Verdict) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s %s\n\n", badge[v.Outcome], md(headline(&v)))
	mdReasons(&b, "What failed", v.Failures)
	mdThresholds(&b, v.Thresholds)
	mdReasons(&b, "Why the run cannot tell", v.Invalid)
	for i := range v.Leaks {
		mdLeak(&b, &v.Leaks[i], v.Run.Rate)
	}
	for i := range v.Doubtful {
		mdLeak(&b, &v.Doubtful[i], v.Run.Rate)
	}
	mdReasons(&b, "Undecided", v.Doubts)
	mdKnown(&b, v.Known)
	mdTrends(&b, v.Trends)
	if len(v.NotLeaking) > 0 {
		fmt.Fprintf(&b, "**Not leaking:** %s\n\n", md(strings.Join(v.NotLeaking, ", ")))
	}
	if v.Sensitivity.Known {
		fmt.Fprintf(&b, "Smallest leak this run could have seen: **%s**\n\n", md(v.Sensitivity.String()))
	}
	mdCoverage(&b, v.Coverage)
	fmt.Fprintf(&b, "%s\n", md(provenance(&v)))
	if v.Run.Command != "" {
		fmt.Fprintf(&b, "\n%s\n", fenced(v.Run.Command))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var badge = map[verdict.Outcome]string{verdict.Pass: "✅", verdict.Untested: "🔵", verdict.Leaking: "❌", verdict.Inconclusive: "🟡", verdict.Invalid: "⛔", verdict.Failed: "❌"}

func mdThresholds(b *strings.Builder, list []verdict.Threshold) {
	if len(list) == 0 {
		return
	}
	b.WriteString("| threshold | | measured | |\n|---|---|---|---|\n")
	for _, t := range list {
		fmt.Fprintf(b, "| %s | %s %s | %s | %s |\n", code(t.Text), badge[t.Outcome], thresholdWords[t.Outcome], md(t.Actual), md(t.Why))
	}
	b.WriteString("\n")
}

func mdReasons(b *strings.Builder, title string, reasons []verdict.Reason) {
	if len(reasons) == 0 {
		return
	}
	fmt.Fprintf(b, "**%s**\n\n", title)
	for _, r := range reasons {
		fmt.Fprintf(b, "- %s", md(r.What))
		if r.Do != "" {
			fmt.Fprintf(b, "<br>*%s*", md(r.Do))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

func mdLeak(b *strings.Builder, l *verdict.Leak, rate float64) {
	fmt.Fprintf(b, "### %s\n\n| | |\n|---|---|\n", md(title(l)))
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "| %s | %s |\n", name, value)
		}
	}
	row("how much", strings.TrimSuffix(md(howMuch(l))+", "+md(figures(l)), ", "))
	row("born", code(l.Born.String()))
	row("kept by", code(keptBy(l)))
	row("", md(wentIn(l)))
	row("bytes", md(cost(l, rate)))
	row("seen by", md(seenBy(l)))
	row("clean", md(strings.Join(l.Clean, ", ")))
	row("why", md(l.Why))
	row("do", md(l.Do))
	row("fingerprint", code(verdict.Short(l.Fingerprint)))
	b.WriteString("\n")
	for _, e := range l.Evidence {
		if e.Detail != "" {
			fmt.Fprintf(b, "<details><summary>%s</summary>\n\n%s\n</details>\n\n", md(e.Detector), fenced(e.Detail))
		}
	}
}

func mdKnown(b *strings.Builder, known []verdict.Known) {
	if len(known) == 0 {
		return
	}
	b.WriteString("**Known leaks**\n\n| leak | how much | until | why |\n|---|---|---|---|\n")
	for i := range known {
		k := &known[i]
		fmt.Fprintf(b, "| %s %s | %s | %s | %s |\n", md(title(&k.Leak)), code(verdict.Short(k.Leak.Fingerprint)), md(howMuch(&k.Leak)),
			k.Rule.Expires.Format("2006-01-02"), md(units.Aside(k.Rule.Reason, k.Rule.Issue)))
	}
	b.WriteString("\n")
}

func mdTrends(b *strings.Builder, trends []verdict.Trend) {
	if len(trends) == 0 {
		return
	}
	b.WriteString("| series | verdict | retained per 1,000 peers | interval, 99 % each side | smallest leak seen | |\n|---|---|---|---|---|---|\n")
	for i := range trends {
		t := &trends[i]
		why := t.Why
		if t.Outcome == verdict.Inconclusive {
			why += "; " + t.Advice()
		}
		fmt.Fprintf(b, "| %s | **%s** | %s | %s | %s | %s |\n", md(trendTitle(t)), t.Outcome, units.Quantity(t.Retained, t.Unit), interval(t), smallest(t), md(why))
	}
	b.WriteString("\n")
}

// EscapeMarkdown escapes text that peers or a target chose, for Markdown and cells of its
// tables.
func EscapeMarkdown(s string) string { return md(s) }

// md is EscapeMarkdown.
func md(s string) string {
	return mdEscapes.Replace(s)
}

var mdEscapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`",
	"[", `\[`, "]", `\]`, "\n", " ", "\r", " ", "\\", `\\`, "#", `\#`, "@", "&#64;", "~", `\~`)

// code returns text in code style, in which only backticks and the bars of tables have a
// meaning.
func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.NewReplacer("`", "'", "|", `\|`, "\n", " ", "\r", " ").Replace(s) + "`"
}

// fenced returns lines as a code block.
func fenced(s string) string {
	fence := "```"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence + "\n" + strings.TrimRight(s, "\n") + "\n" + fence
}
