package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// maxAnnotations is how many annotations of a kind GitHub shows for a step.
const maxAnnotations = 10

// annotation is a message of a GitHub Actions job, which GitHub shows on the page of the run and,
// if it has a place, beside the line of the change.
type annotation struct {
	level, title, text string
	place              verdict.Site
}

// WriteAnnotations writes what keeps the run from passing as workflow commands of GitHub Actions:
// errors for leaks and failures, warnings for what is undecided.
func (r *Result) WriteAnnotations(w io.Writer) error {
	written := map[string]int{}
	var b strings.Builder
	for _, a := range annotations(&r.Verdict) {
		if written[a.level]++; written[a.level] > maxAnnotations {
			continue
		}
		fmt.Fprintf(&b, "::%s title=%s", a.level, escapeProperty(a.title))
		if a.place.File != "" && a.place.Line > 0 {
			fmt.Fprintf(&b, ",file=%s,line=%d", escapeProperty(a.place.File), a.place.Line)
		}
		fmt.Fprintf(&b, "::%s\n", escapeData(a.text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func annotations(v *verdict.Verdict) []annotation {
	var list []annotation
	reasons := func(level, title string, reasons []verdict.Reason) {
		for _, r := range reasons {
			list = append(list, annotation{level, "loadgen: " + title, strings.TrimSpace(r.What + "\n" + r.Do), verdict.Site{}})
		}
	}
	for i := range v.Leaks {
		list = append(list, annotateLeak("error", &v.Leaks[i]))
	}
	reasons("error", "failed", v.Failures)
	reasons("error", "the run proves nothing", v.Invalid)
	for _, t := range v.Thresholds {
		switch t.Outcome {
		case verdict.Failed:
			list = append(list, annotation{"error", "loadgen: threshold broken", t.String(), verdict.Site{}})
		case verdict.Inconclusive:
			list = append(list, annotation{"warning", "loadgen: threshold undecided", t.String(), verdict.Site{}})
		}
	}
	for i := range v.Doubtful {
		list = append(list, annotateLeak("warning", &v.Doubtful[i]))
	}
	reasons("warning", "undecided", v.Doubts)
	return list
}

// annotateLeak returns the annotation of a leak. Its first line is the title.
func annotateLeak(level string, l *verdict.Leak) annotation {
	var b strings.Builder
	one := *l
	one.Count = 1                                                     // how many there are is part of share
	_ = report.Brief(&b, verdict.Verdict{Leaks: []verdict.Leak{one}}) // a builder takes everything
	_, text, _ := strings.Cut(b.String(), "LEAK 1 of 1")
	title, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	share := fmt.Sprintf("%s from %s", units.Count(l.Count), units.Plural(l.Peers, "peer"))
	if source := l.Source.String(); source != "" {
		share += ", " + source
	}
	return annotation{level, "loadgen: " + title, share + "\n" + rest, l.Born}
}

var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// escapeData escapes the message of a workflow command. Peers and the target choose parts of it.
func escapeData(s string) string { return dataEscapes.Replace(printableLines(s)) }

func escapeProperty(s string) string { return propertyEscapes.Replace(printableLines(s)) }

// printableLines removes control characters, except line breaks.
func printableLines(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, l := range lines {
		lines[i] = report.Printable(l)
	}
	return strings.Join(lines, "\n")
}
