package verdict

import (
	"fmt"
	"io"
	"strings"
)

// Markdown writes the verdict for the summary page of a CI job.
func Markdown(w io.Writer, v Verdict) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s %s\n\n", badge[v.Outcome], md(v.headline()))
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
	fmt.Fprintf(&b, "%s\n", md(v.provenance()))
	if v.Run.Command != "" {
		fmt.Fprintf(&b, "\n%s\n", fenced(v.Run.Command))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var badge = map[Outcome]string{Pass: "✅", Leaking: "❌", Inconclusive: "🟡", Invalid: "⛔", Failed: "❌"}

// headline is the verdict in one sentence.
func (v *Verdict) headline() string {
	switch v.Outcome {
	case Pass:
		return "No leak"
	case Leaking:
		what := plural(int64(len(v.Leaks)), "leak")
		if len(v.Leaks) == 1 {
			what = v.Leaks[0].what()
		}
		if n := len(v.Failures); n > 0 {
			what += ", and " + plural(int64(n), "failure")
		}
		return what
	case Failed:
		if len(v.Failures) == 0 {
			return "Failed: " + v.broken(Failed)[0]
		}
		return "Failed: " + v.Failures[0].What
	case Inconclusive:
		if len(v.Doubts)+len(v.Doubtful) == 0 {
			return "Undecided: " + v.broken(Inconclusive)[0]
		}
		return "Undecided: there may be a leak"
	}
	if len(v.Invalid) == 1 {
		return "The run cannot tell: " + v.Invalid[0].What
	}
	return fmt.Sprintf("The run cannot tell, for %s", plural(int64(len(v.Invalid)), "reason"))
}

// provenance says which run it was.
func (v *Verdict) provenance() string {
	about := v.whichRun()
	if v.Run.Target != "" {
		about = append(about, v.Run.Target)
	}
	return strings.Join(about, ", ")
}

func mdReasons(b *strings.Builder, title string, reasons []Reason) {
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

func mdLeak(b *strings.Builder, l *Leak, rate float64) {
	fmt.Fprintf(b, "### %s\n\n| | |\n|---|---|\n", md(l.what()))
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "| %s | %s |\n", name, value)
		}
	}
	row("how much", strings.TrimSuffix(md(l.rate())+", "+md(l.figures()), ", "))
	row("born", code(l.Born.String()))
	row("kept by", code(l.keptBy()))
	row("", md(l.wentIn()))
	row("bytes", md(l.cost(rate)))
	row("seen by", md(l.seenBy()))
	row("clean", md(strings.Join(l.Clean, ", ")))
	row("why", md(l.Why))
	row("do", md(l.Do))
	row("fingerprint", code(Short(l.Fingerprint)))
	b.WriteString("\n")
	for _, e := range l.Evidence {
		if e.Detail != "" {
			fmt.Fprintf(b, "<details><summary>%s</summary>\n\n%s\n</details>\n\n", md(e.Detector), fenced(e.Detail))
		}
	}
}

func mdKnown(b *strings.Builder, known []Known) {
	if len(known) == 0 {
		return
	}
	b.WriteString("**Known leaks**\n\n| leak | how much | until | why |\n|---|---|---|---|\n")
	for i := range known {
		k := &known[i]
		fmt.Fprintf(b, "| %s %s | %s | %s | %s |\n", md(k.Leak.what()), code(Short(k.Leak.Fingerprint)), md(k.Leak.rate()),
			k.Rule.Expires.Format("2006-01-02"), md(k.Rule.Reason+inIssue(k.Rule.Issue)))
	}
	b.WriteString("\n")
}

func mdTrends(b *strings.Builder, trends []Trend) {
	if len(trends) == 0 {
		return
	}
	b.WriteString("| series | verdict | retained per 1,000 peers | interval, 99 % each side | smallest leak seen | |\n|---|---|---|---|---|---|\n")
	for i := range trends {
		t := &trends[i]
		why := t.Why
		if t.Outcome == Inconclusive {
			why += "; " + t.advice()
		}
		fmt.Fprintf(b, "| %s | **%s** | %s | %s | %s | %s |\n", md(t.Name()), t.Outcome, measure(t.Retained, t.Unit), t.interval(), t.smallest(), md(why))
	}
	b.WriteString("\n")
}

// EscapeMarkdown returns a text that means itself in Markdown and in a cell of a table: for
// text that peers or a target chose.
func EscapeMarkdown(s string) string { return md(s) }

// md takes the meaning from characters that have one in Markdown or HTML. Peers
// choose some of the text.
func md(s string) string {
	return mdEscapes.Replace(s)
}

var mdEscapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`",
	"[", `\[`, "]", `\]`, "\n", " ", "\r", " ", "\\", `\\`, "#", `\#`, "@", "&#64;", "~", `\~`)

// code writes text in code style, in which nothing but the backtick and the table
// have a meaning.
func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.NewReplacer("`", "'", "|", `\|`, "\n", " ", "\r", " ").Replace(s) + "`"
}

// fenced writes lines as they are.
func fenced(s string) string {
	fence := "```"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence + "\n" + strings.TrimRight(s, "\n") + "\n" + fence
}
