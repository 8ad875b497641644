package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// rank puts those that failed first.
func rank(t *verdict.Threshold) int {
	return slices.Index([]verdict.Outcome{verdict.Failed, verdict.Inconclusive, verdict.Pass}, t.Outcome)
}

// thresholdWords are how an outcome of a threshold is told.
var thresholdWords = map[verdict.Outcome]string{verdict.Pass: "held", verdict.Failed: "failed", verdict.Inconclusive: "not known"}

// thresholds writes those that did not hold one by one, and the others together.
func (p *page) thresholds(list []verdict.Threshold) {
	var held []string
	for i := range list {
		switch t := &list[i]; t.Outcome {
		case verdict.Failed:
			p.columns("FAILED", t.String())
		case verdict.Inconclusive:
			p.columns("MAYBE", t.String())
		default:
			held = append(held, t.String())
		}
	}
	if len(held) > 0 {
		p.columns(append([]string{"HELD"}, held...)...)
	}
}

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

func thresholdCase(t *verdict.Threshold, name string) junitCase {
	c := junitCase{Class: name + ".threshold", Name: t.Text}
	p := &junitProblem{Message: t.String(), Type: string(t.Outcome)}
	switch t.Outcome {
	case verdict.Failed:
		c.Failure = p
	case verdict.Inconclusive:
		c.Error = p
	}
	return c
}
