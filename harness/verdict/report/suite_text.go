package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// textFailures is how many failed tests a terminal shows.
const textFailures = 5

// SuiteText writes the verdict of a suite for a terminal or a log: the leaks, each once, the
// failures, a line for each run, and the verdict.
func SuiteText(w io.Writer, s Suite) error {
	var p page
	causes := s.causes()
	for i, c := range causes[:min(len(causes), textLeaks)] {
		p.leak(fmt.Sprintf("LEAK %d of %d", i+1, len(causes)), c.leak, s.Runs[c.run].Verdict.Run.Rate)
		p.item("in", strings.Join(s.runsOf(c), "; "))
	}
	if more := len(causes) - textLeaks; more > 0 {
		p.line(fmt.Sprintf("AND %s; see the report", units.Plural(int64(more), "leak")))
	}
	for i := range s.Runs {
		v := s.Runs[i].Verdict
		v.Leaks = nil // written above
		before := p.b.Len()
		p.objections(&v)
		if p.b.Len() > before {
			p.item("in", v.Run.Name)
		}
	}
	for _, f := range s.Failed[:min(len(s.Failed), textFailures)] {
		p.columns("FAILED", f.Test, f.Place)
		p.item("", firstLine(f.What))
	}
	if more := len(s.Failed) - textFailures; more > 0 {
		p.line(fmt.Sprintf("AND %s; see the report", units.Plural(int64(more), "failed test")))
	}
	for i := range s.Runs {
		v := &s.Runs[i].Verdict
		smallest := ""
		if v.Outcome == verdict.Pass && v.Sensitivity.Known {
			smallest = "sees " + v.Sensitivity.String()
		}
		p.columns(fmt.Sprintf("%-10s", strings.ToUpper(string(v.Outcome))), v.Run.Name, units.Plural(v.Run.Lives, "life", "lives"), units.Seconds(v.Run.Seconds), smallest)
	}
	p.ranCode(s.Coverage)
	p.columns("suite "+strings.ToUpper(string(s.Outcome())), s.headline(), units.Plural(s.lives(), "life", "lives"), units.Seconds(s.Seconds))
	p.item("report", s.Report)
	if s.Outcome() != verdict.Pass {
		p.item("again", s.Command)
	}
	return p.writeTo(w)
}

// runsOf returns the runs that saw a leak, with their words for it where they differ.
func (s *Suite) runsOf(c *cause) []string {
	var words []string
	for _, seen := range c.seen {
		word := s.Runs[seen.run].Verdict.Run.Name
		if t := title(seen.leak); t != title(c.leak) {
			word += " (" + t + ")"
		}
		words = append(words, word)
	}
	return words
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
