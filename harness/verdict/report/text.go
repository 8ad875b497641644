package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

const (
	textWidth = 140
	textLeaks = 5 // more than these are not read on one screen
	// more series without a leak than these are told of together
	textTrends = 6
)

// Text writes the verdict for a terminal or a log: one screen, every line something to
// act on.
func Text(w io.Writer, v verdict.Verdict) error {
	p := page{costs: true}
	p.objections(&v)
	for i := range v.Known {
		p.known(&v.Known[i])
	}
	p.trends(v.Trends)
	p.coverage(&v)
	p.last(&v)
	return p.writeTo(w)
}

// Brief writes what keeps the verdict from passing, in the lines of Text, and nothing if
// it passes. It leaves out what a leak costs a hub in a day: a single test has no such
// rate.
func Brief(w io.Writer, v verdict.Verdict) error {
	var p page
	p.objections(&v)
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

func (p *page) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// page is the text so far.
type page struct {
	b     strings.Builder
	costs bool // each leak says what it costs
}

// line writes a line. Peers choose some of the text, so nothing in it may steer
// the terminal.
func (p *page) line(s string) {
	p.b.WriteString(strings.TrimRight(Printable(s), " "))
	p.b.WriteByte('\n')
}

// Printable returns a text with a dot for each character that could steer a terminal: for
// text that peers or a target chose.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}

// columns writes parts with three spaces between them, on as many lines as it
// takes.
func (p *page) columns(parts ...string) {
	const indent = 11
	line := ""
	for _, part := range parts {
		if part == "" {
			continue
		}
		for _, piece := range wrap(part, textWidth-indent) {
			switch {
			case line == "":
				line = piece
			case utf8.RuneCountInString(line)+3+utf8.RuneCountInString(piece) > textWidth:
				p.line(line)
				line = strings.Repeat(" ", indent) + piece
			default:
				line += "   " + piece
			}
		}
	}
	p.line(line)
}

// item writes one labelled line of a leak. Long ones are cut at a space or comma.
func (p *page) item(label, text string) {
	const indent = 11
	if text == "" {
		return
	}
	head := fmt.Sprintf("  %-8s ", label)
	for _, line := range wrap(text, textWidth-indent) {
		p.line(head + line)
		head = strings.Repeat(" ", indent)
	}
}

func (p *page) leak(head string, l *verdict.Leak, rate float64) {
	p.columns(head, title(l), howMuch(l), figures(l), "fp "+verdict.Short(l.Fingerprint))
	if l.Born != (verdict.Site{}) {
		p.item("born", spread(verdict.ShortName(l.Born.Function), l.Born.Place(), 24))
	}
	if l.Caller != (verdict.Site{}) {
		p.item("for", spread(verdict.ShortName(l.Caller.Function), l.Caller.Place(), 24))
	}
	p.kept(l)
	if p.costs {
		p.item("bytes", cost(l, rate))
	}
	p.item("seen by", seenBy(l))
	p.item("clean", strings.Join(l.Clean, ", "))
	p.item("why", l.Why)
	p.item("do", l.Do)
}

// kept writes the retaining path, with the place where the thing went in on the
// same line if there is room.
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

// trends tells each series of a target that cannot be seen into.
func (p *page) trends(trends []verdict.Trend) {
	if flat := without(trends); len(flat) > textTrends {
		trends = slices.DeleteFunc(slices.Clone(trends), func(t verdict.Trend) bool { return t.Outcome == verdict.None })
		p.flat(flat)
	}
	width := 0
	for i := range trends {
		width = max(width, utf8.RuneCountInString(trends[i].Name()))
	}
	for i := range trends {
		t := &trends[i]
		head := fmt.Sprintf("SERIES   %-*s   %-12s", width, t.Name(), t.Outcome)
		more := t.Why
		if t.Outcome == verdict.Inconclusive {
			more += "; " + t.Advice()
		}
		p.columns(head, retained(t), more, atRest(t))
		for _, g := range t.Sites {
			p.item("grew", grown(&g, t.Unit))
		}
	}
}

// without are the trends that found nothing.
func without(trends []verdict.Trend) []verdict.Trend {
	return slices.DeleteFunc(slices.Clone(trends), func(t verdict.Trend) bool { return t.Outcome != verdict.None })
}

// flat tells of many series without a leak in one line for each unit: what the
// least exact of them would have seen.
func (p *page) flat(trends []verdict.Trend) {
	type worst struct {
		n        int
		smallest float64
	}
	byUnit := map[string]worst{}
	for _, t := range trends {
		w := byUnit[t.Unit]
		byUnit[t.Unit] = worst{w.n + 1, max(w.smallest, t.Smallest)}
	}
	for _, unit := range slices.Sorted(maps.Keys(byUnit)) {
		w := byUnit[unit]
		what := "counts"
		if unit != "" {
			what = "of " + unit
		}
		p.columns(fmt.Sprintf("SERIES   %d %s without a leak", w.n, what), "a leak of "+units.Quantity(w.smallest, unit)+" per 1,000 peers would have been seen")
	}
}

// coverage says what the run looked at and how closely.
func (p *page) coverage(v *verdict.Verdict) {
	smallest := "smallest leak this run could have seen: " + v.Sensitivity.String()
	if !v.Sensitivity.Known && len(v.Trends) > 0 {
		smallest = "" // each series has said its own
	}
	scenarios := strings.Join(v.NotLeaking, ", ")
	switch {
	case scenarios == "":
		p.columns("NOT LEAKING", "no scenario is cleared", smallest)
	case utf8.RuneCountInString(scenarios)+utf8.RuneCountInString(smallest) > textWidth-23:
		for i, line := range wrap(scenarios, textWidth-13) {
			p.line([]string{"NOT LEAKING  ", "             "}[min(i, 1)] + line)
		}
		p.item("", smallest)
	default:
		p.line("NOT LEAKING  " + scenarios + strings.Repeat(" ", 10) + smallest)
	}
	if len(v.Leaks)+len(v.Doubtful) == 0 {
		p.item("clean", strings.Join(ready(v.Detectors), ", "))
	}
	p.item("off", strings.Join(off(v.Detectors), "; "))
	if v.Outcome != verdict.Leaking {
		p.item("control", strings.Join(controls(v.Controls), ", "))
	}
}

// last is the line that is read first.
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

func ready(detectors []verdict.Detector) []string {
	var names []string
	for _, d := range detectors {
		if d.State == verdict.Ready {
			names = append(names, d.Name)
		}
	}
	return names
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

// spread pads a place so that the functions after it stand under each other.
func spread(function, place string, width int) string {
	if place == "" {
		return function
	}
	return strings.TrimRight(fmt.Sprintf("%-*s  %s", width-4, place, function), " ")
}

// wrap cuts a text into lines at spaces, and in the middle of a word only if it
// is longer than a line.
func wrap(s string, width int) []string {
	var lines []string
	for {
		if utf8.RuneCountInString(s) <= width {
			return append(lines, s)
		}
		runes := []rune(s)
		cut := width
		for cut > width/3 && runes[cut] != ' ' {
			cut--
		}
		if runes[cut] != ' ' {
			cut = width
		}
		lines = append(lines, strings.TrimRight(string(runes[:cut]), " "))
		s = strings.TrimLeft(string(runes[cut:]), " ")
	}
}
