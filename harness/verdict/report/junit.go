package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// JUnit writes the verdict for a CI system: a test case for each scenario, detector, control,
// series and threshold, and one for the run. A leak fails the scenarios that it comes from and
// the detectors that saw it. A reason for an invalid run is an error of the case that it is
// about. A scenario that the run does not clear is skipped.
func JUnit(w io.Writer, v verdict.Verdict) error {
	name := cmp.Or(v.Run.Name, "leaks")
	s := JUnitSuite{
		Name: name, Time: fmt.Sprintf("%.3f", v.Run.Seconds), Timestamp: v.Run.Start.UTC().Format(time.RFC3339),
		Cases: junitCases(&v, name),
	}
	s.property("seed", v.Run.Seed)
	s.property("commit", v.Run.Commit)
	s.property("target", v.Run.Target)
	s.property("command", v.Run.Command)
	s.property("smallest leak", v.Sensitivity.String())
	return s.Write(w)
}

func junitCases(v *verdict.Verdict, name string) []JUnitCase {
	var cases []JUnitCase
	for _, s := range v.Scenarios {
		c := JUnitCase{Class: name + ".scenario", Name: s.Name, Error: junitError(v, s.Name)}
		junitFailure(v, &c, func(l *verdict.Leak) bool { return slices.Contains(l.Source.Scenarios(), s.Name) })
		if c.Error == nil && c.Failure == nil && !slices.Contains(v.NotLeaking, s.Name) {
			c.Skipped = &JUnitProblem{Message: "leaks: not cleared"}
		}
		cases = append(cases, c)
	}
	for _, d := range v.Detectors {
		c := JUnitCase{Class: name + ".detector", Name: d.Name, Error: junitError(v, d.Name)}
		if d.State == verdict.Off {
			c.Skipped = &JUnitProblem{Message: cmp.Or(d.Why, "off")}
		}
		junitFailure(v, &c, func(l *verdict.Leak) bool {
			return slices.ContainsFunc(l.Evidence, func(e verdict.Evidence) bool { return e.Detector == d.Name })
		})
		cases = append(cases, c)
	}
	for _, k := range v.Controls {
		cases = append(cases, JUnitCase{Class: name + ".control", Name: k.Name, Error: junitError(v, k.Name)})
	}
	for i := range v.Trends {
		cases = append(cases, trendCase(&v.Trends[i], name))
	}
	for i := range v.Thresholds {
		cases = append(cases, thresholdCase(&v.Thresholds[i], name))
	}
	return append(cases, junitRun(v, name, cases))
}

// junitRun returns the case of the run as a whole, with what belongs to no other case.
func junitRun(v *verdict.Verdict, name string, others []JUnitCase) JUnitCase {
	c := JUnitCase{Class: name, Name: "run"}
	about := func(r verdict.Reason) bool {
		return slices.ContainsFunc(others, func(o JUnitCase) bool { return o.Name == r.About && o.Error != nil })
	}
	var left []string
	for _, r := range v.Invalid {
		if !about(r) {
			left = append(left, units.Because(r.What, r.Do))
		}
	}
	switch {
	case len(v.Failures) > 0:
		c.Failure = &JUnitProblem{Message: headline(v), Type: string(verdict.Failed), Text: text(v)}
	case len(left) > 0:
		c.Error = &JUnitProblem{Message: left[0], Type: string(verdict.Invalid), Text: strings.Join(left, "\n")}
	case v.Outcome == verdict.Inconclusive && len(v.Doubts)+len(v.Doubtful) > 0:
		c.Error = &JUnitProblem{Message: headline(v), Type: string(verdict.Inconclusive), Text: text(v)}
	default:
		junitFailure(v, &c, func(*verdict.Leak) bool { return true })
	}
	return c
}

func junitError(v *verdict.Verdict, about string) *JUnitProblem {
	for _, r := range v.Invalid {
		if r.About == about {
			return &JUnitProblem{Message: r.What, Type: string(verdict.Invalid), Text: r.Do}
		}
	}
	return nil
}

func junitFailure(v *verdict.Verdict, c *JUnitCase, of func(*verdict.Leak) bool) {
	p := page{}
	var first *verdict.Leak
	for i := range v.Leaks {
		if l := &v.Leaks[i]; of(l) {
			if first == nil {
				first = l
			}
			p.leak("LEAK", l, v.Run.Rate)
		}
	}
	if first != nil {
		c.File = first.Born.File
		c.Failure = &JUnitProblem{Message: title(first) + ", " + howMuch(first) + ", fp " + verdict.Short(first.Fingerprint), Type: string(first.Class), Text: p.b.String()}
	}
}

func trendCase(t *verdict.Trend, name string) JUnitCase {
	c := JUnitCase{Class: name + ".series", Name: t.Name()}
	p := &JUnitProblem{Message: t.Why, Type: string(t.Outcome), Text: retained(t)}
	switch t.Outcome {
	case verdict.Leaking:
		c.Failure = p
	case verdict.Inconclusive:
		c.Error = p
	}
	return c
}

// text returns what Text writes.
func text(v *verdict.Verdict) string {
	var b strings.Builder
	_ = Text(&b, *v) // a Builder takes everything
	return b.String()
}

func thresholdCase(t *verdict.Threshold, name string) JUnitCase {
	c := JUnitCase{Class: name + ".threshold", Name: t.Text}
	p := &JUnitProblem{Message: t.String(), Type: string(t.Outcome)}
	switch t.Outcome {
	case verdict.Failed:
		c.Failure = p
	case verdict.Inconclusive:
		c.Error = p
	}
	return c
}
