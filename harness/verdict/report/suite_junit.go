package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// SuiteJUnit writes a suite for a CI system: a test case for each run, each leak and each
// failed test. A leak is one failed case however many runs saw it; these runs are skipped cases
// that refer to it.
func SuiteJUnit(w io.Writer, s Suite) error {
	name := cmp.Or(s.Name, "leaks")
	js := JUnitSuite{Name: name, Time: fmt.Sprintf("%.3f", s.Seconds), Timestamp: s.Start.UTC().Format(time.RFC3339)}
	js.property("command", s.Command)
	for i := range s.Runs {
		js.Cases = append(js.Cases, suiteRunCase(&s.Runs[i].Verdict, name))
	}
	for _, c := range s.causes() {
		k := JUnitCase{Class: name + ".leak", Name: title(c.leak)}
		junitFailure(&s.Runs[c.run].Verdict, &k, func(l *verdict.Leak) bool { return l == c.leak })
		k.Failure.Text += "in: " + strings.Join(s.runsOf(c), "; ") + "\n"
		js.Cases = append(js.Cases, k)
	}
	for _, f := range s.Failed {
		js.Cases = append(js.Cases, JUnitCase{Class: name + ".test", Name: f.Test,
			Failure: &JUnitProblem{Message: firstLine(f.What), Text: f.What + "\n" + f.Place}})
	}
	return js.Write(w)
}

func suiteRunCase(v *verdict.Verdict, name string) JUnitCase {
	c := JUnitCase{Class: name + ".run", Name: v.Run.Name, Time: fmt.Sprintf("%.3f", v.Run.Seconds)}
	p := &JUnitProblem{Message: headline(v), Type: string(v.Outcome), Text: text(v)}
	switch v.Outcome {
	case verdict.Leaking:
		c.Skipped = &JUnitProblem{Message: units.Plural(int64(len(v.Leaks)), "leak") + ": see the cases of the leaks"}
	case verdict.Failed:
		c.Failure = p
	case verdict.Invalid, verdict.Inconclusive:
		c.Error = p
	}
	return c
}
