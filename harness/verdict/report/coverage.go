package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// textMissed is how many places that did not run a terminal shows. The files have all.
const textMissed = 8

// Coverage writes in the lines of Text how much of the target's code ran, and which did not.
func Coverage(w io.Writer, c verdict.Coverage) error {
	var p page
	p.ranCode(&c)
	return p.writeTo(w)
}

// ranCode writes how much of the target's code ran, and which did not.
func (p *page) ranCode(c *verdict.Coverage) {
	if c == nil {
		return
	}
	for i, line := range wrap(covered(c), textWidth-13) {
		p.line([]string{"COVERAGE     ", "             "}[min(i, 1)] + line)
	}
	p.item("do", c.Do)
	for i, m := range c.Missed[:min(len(c.Missed), textMissed)] {
		p.item([]string{"not run", ""}[min(i, 1)], missed(m))
	}
	if more := c.Missed[min(len(c.Missed), textMissed):]; len(more) > 0 {
		p.item("", restOf(more))
	}
}

// covered returns "97.3 % of hub, 100 % of hub/wire".
func covered(c *verdict.Coverage) string {
	if len(c.Packages) == 0 {
		return units.Because("which code ran was not measured", c.Why)
	}
	words := make([]string, len(c.Packages))
	for i, pkg := range c.Packages {
		words[i] = pkg.String()
	}
	if c.Why != "" {
		words = append(words, "and not all was measured: "+c.Why)
	}
	return strings.Join(words, ", ")
}

// missed describes a place in one line.
func missed(m verdict.Missed) string {
	what := verdict.ShortName(m.Function)
	if m.Whole {
		what += ", never called"
	}
	if len(m.Releases) > 0 {
		what += ", releases: " + strings.Join(m.Releases, "; ")
	}
	if m.Why != "" {
		what += ", because " + m.Why
	}
	return spread(what, m.Lines(), 36)
}

// restOf sums up places that are not listed.
func restOf(more []verdict.Missed) string {
	statements, releasing, known := 0, 0, 0
	for _, m := range more {
		statements += m.Statements
		if len(m.Releases) > 0 {
			releasing++
		}
		if m.Why != "" {
			known++
		}
	}
	text := fmt.Sprintf("and %s with %s", units.Plural(int64(len(more)), "place"), units.Plural(int64(statements), "statement"))
	if releasing > 0 {
		text += fmt.Sprintf(", %d with releases", releasing)
	}
	if known > 0 {
		text += fmt.Sprintf(", %d for a known reason", known)
	}
	return text + "; see the report"
}

func mdCoverage(b *strings.Builder, c *verdict.Coverage) {
	if c == nil {
		return
	}
	fmt.Fprintf(b, "**Coverage:** %s\n\n", md(units.Because(covered(c), c.Do)))
	if len(c.Missed) == 0 {
		return
	}
	fmt.Fprintf(b, "<details><summary>%s did not run</summary>\n\n| lines | function | releases |\n|---|---|---|\n", units.Plural(int64(len(c.Missed)), "place"))
	for _, m := range c.Missed {
		name := code(verdict.ShortName(m.Function))
		if m.Whole {
			name += " never called"
		}
		fmt.Fprintf(b, "| %s | %s %s | %s |\n", code(m.Lines()), name, md(m.Why), code(strings.Join(m.Releases, "; ")))
	}
	b.WriteString("\n</details>\n\n")
}
