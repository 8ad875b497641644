package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

const (
	textWidth  = 140
	textLeaks  = 5 // further leaks are left to the other formats
	textTrends = 6 // if more series have no leak, one line sums them up
)

// Text writes the verdict for a terminal or a log: one screen, every line something to
// act on.
func Text(w io.Writer, v verdict.Verdict) error {
	var p page
	p.objections(&v)
	for i := range v.Known {
		p.known(&v.Known[i])
	}
	p.trends(v.Trends)
	p.cleared(&v)
	p.ranCode(v.Coverage)
	p.last(&v)
	return p.writeTo(w)
}

// objections writes failures, reasons for an invalid run, thresholds, leaks and doubts.
func (p *page) objections(v *verdict.Verdict) {
	for _, r := range v.Failures {
		p.reason("FAILED", r)
	}
	for _, r := range v.Invalid {
		p.reason("INVALID", r)
	}
	p.thresholds(v.Thresholds)
	for i := range min(len(v.Leaks), textLeaks) {
		p.leak(fmt.Sprintf("LEAK %d of %d", i+1, len(v.Leaks)), &v.Leaks[i], v.Run.Rate)
	}
	if more := len(v.Leaks) - textLeaks; more > 0 {
		p.line(fmt.Sprintf("AND %s, smaller ones; see the report", units.Plural(more, "leak")))
	}
	for i := range min(len(v.Doubtful), textLeaks) {
		p.leak("MAYBE", &v.Doubtful[i], v.Run.Rate)
	}
	for _, r := range v.Doubts {
		p.reason("MAYBE", r)
	}
}

func (p *page) leak(head string, l *verdict.Leak, rate float64) {
	if p.brief {
		p.briefLeak(head, l)
		return
	}
	p.columns(head, title(l), howMuch(l), figures(l), "fp "+verdict.Short(l.Fingerprint))
	if l.Born != (verdict.Site{}) {
		p.item("born", spread(verdict.ShortName(l.Born.Function), l.Born.Place(), 24))
	}
	if l.Caller != (verdict.Site{}) {
		p.item("for", spread(verdict.ShortName(l.Caller.Function), l.Caller.Place(), 24))
	}
	p.kept(l)
	p.item("bytes", cost(l, rate))
	p.item("seen by", seenBy(l))
	p.item("clean", strings.Join(l.Clean, ", "))
	p.item("why", l.Why)
	p.item("do", l.Do)
}

// kept writes the retaining path and the place where the thing was stored, on one line if they
// fit.
func (p *page) kept(l *verdict.Leak) {
	path, in := keptBy(l), wentIn(l)
	if path == "" || in == "" || utf8.RuneCountInString(path)+utf8.RuneCountInString(in)+8 > textWidth-11 {
		p.item("kept by", path)
		p.item("", in)
		return
	}
	p.item("kept by", path+"        "+in)
}

func (p *page) known(k *verdict.Known) {
	l := &k.Leak
	p.columns("KNOWN", title(l), howMuch(l), figures(l), "fp "+verdict.Short(l.Fingerprint),
		"until "+k.Rule.Expires.Format("2006-01-02")+": "+units.Aside(k.Rule.Reason, k.Rule.Issue))
}

func (p *page) reason(title string, r verdict.Reason) {
	for i, line := range wrap(r.What, textWidth-12) {
		if i == 0 {
			p.line(title + "   " + line)
		} else {
			p.line(strings.Repeat(" ", len(title)+3) + line)
		}
	}
	p.item("do", r.Do)
}

// cleared writes which scenarios were tested and do not leak, which detectors looked, and the sensitivity.
func (p *page) cleared(v *verdict.Verdict) {
	smallest := "smallest leak this run could have seen: " + v.Sensitivity.String()
	if !v.Sensitivity.Known && len(v.Trends) > 0 {
		smallest = "" // each series has said its own
	}
	scenarios := strings.Join(v.NotLeaking, ", ")
	switch {
	case !v.Tested():
		p.columns("NOT TESTED", "leaks")
	case scenarios == "":
		p.columns("NOT CLEARED", "any scenario", smallest)
	case utf8.RuneCountInString(scenarios)+utf8.RuneCountInString(smallest) > textWidth-23:
		for i, line := range wrap(scenarios, textWidth-13) {
			p.line([]string{"NOT LEAKING  ", "             "}[min(i, 1)] + line)
		}
		p.item("", smallest)
	default:
		p.line("NOT LEAKING  " + scenarios + strings.Repeat(" ", 10) + smallest)
	}
	if v.Clears() {
		p.item("clean", strings.Join(ready(v.Detectors), ", "))
	}
	p.item("off", strings.Join(off(v.Detectors), "; "))
	if v.Outcome != verdict.Leaking {
		p.item("control", strings.Join(controls(v.Controls), ", "))
	}
}

// ready returns the detectors that looked for leaks.
func ready(detectors []verdict.Detector) []string {
	var names []string
	for _, d := range detectors {
		if d.State == verdict.Ready && !d.Aside {
			names = append(names, d.Name)
		}
	}
	return names
}

// last writes the outcome and identifies the run.
func (p *page) last(v *verdict.Verdict) {
	report := ""
	if v.Run.Report != "" {
		report = "       report: " + v.Run.Report
	}
	p.columns("verdict "+strings.ToUpper(string(v.Outcome)), strings.Join(whichRun(v), ", "), report)
	if v.Outcome == verdict.Invalid || v.Outcome == verdict.Inconclusive {
		p.item("again", v.Run.Command)
	}
}

func off(detectors []verdict.Detector) []string {
	var names []string
	for _, d := range detectors {
		if d.State == verdict.Off {
			names = append(names, units.Because(d.Name, d.Why))
		}
	}
	return names
}

func controls(list []verdict.Control) []string {
	var words []string
	for _, c := range list {
		word := c.Name
		switch {
		case c.Planted && c.Caught:
			word += " caught"
		case c.Planted:
			word += " NOT CAUGHT"
		case c.Caught:
			word += " REPORTED, but benign"
		default:
			word += " rightly not reported"
		}
		words = append(words, word)
	}
	return words
}

// thresholds writes a line for each threshold that did not hold, and one for all others.
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
