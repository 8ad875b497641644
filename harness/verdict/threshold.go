package verdict

import (
	"fmt"
	"slices"
	"strings"
)

// Threshold is a condition that the caller set and judged. One that failed makes a
// run fail that would pass; one that is inconclusive makes it inconclusive. What the
// run found of leaks stays as it is.
type Threshold struct {
	Text    string  `json:"text"`             // "p99(offer)<50ms"
	Outcome Outcome `json:"outcome"`          // pass, failed or inconclusive
	Actual  string  `json:"actual,omitempty"` // "12.3ms"; none if nothing was measured
	Why     string  `json:"why,omitempty"`    // it failed without a value, or is inconclusive
}

// told is the threshold in one line.
func (t *Threshold) told() string {
	s := t.Text
	if t.Actual != "" {
		s += ": " + t.Actual
	}
	return s + because(t.Why)
}

// broken are the thresholds with an outcome.
func (v *Verdict) broken(o Outcome) []string {
	var list []string
	for i := range v.Thresholds {
		if v.Thresholds[i].Outcome == o {
			list = append(list, v.Thresholds[i].told())
		}
	}
	return list
}

// rank puts those that failed first.
func (t *Threshold) rank() int { return slices.Index([]Outcome{Failed, Inconclusive, Pass}, t.Outcome) }

// thresholdWords are how an outcome of a threshold is told.
var thresholdWords = map[Outcome]string{Pass: "held", Failed: "failed", Inconclusive: "not known"}

// thresholds writes those that did not hold one by one, and the others together.
func (p *page) thresholds(list []Threshold) {
	var held []string
	for i := range list {
		switch t := &list[i]; t.Outcome {
		case Failed:
			p.columns("FAILED", t.told())
		case Inconclusive:
			p.columns("MAYBE", t.told())
		default:
			held = append(held, t.told())
		}
	}
	if len(held) > 0 {
		p.columns(append([]string{"HELD"}, held...)...)
	}
}

func mdThresholds(b *strings.Builder, list []Threshold) {
	if len(list) == 0 {
		return
	}
	b.WriteString("| threshold | | measured | |\n|---|---|---|---|\n")
	for _, t := range list {
		fmt.Fprintf(b, "| %s | %s %s | %s | %s |\n", code(t.Text), badge[t.Outcome], thresholdWords[t.Outcome], md(t.Actual), md(t.Why))
	}
	b.WriteString("\n")
}

func (t *Threshold) junit(name string) junitCase {
	c := junitCase{Class: name + ".threshold", Name: t.Text}
	p := &junitProblem{Message: t.told(), Type: string(t.Outcome)}
	switch t.Outcome {
	case Failed:
		c.Failure = p
	case Inconclusive:
		c.Error = p
	}
	return c
}
