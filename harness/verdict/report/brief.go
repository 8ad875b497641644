package report

import (
	"io"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Brief writes what keeps the verdict of a unit test from passing, and nothing if it passes. A unit
// test has no peers, scenarios, cycles or rates. What a leak retains is in the lines of that leak.
func Brief(w io.Writer, v verdict.Verdict) error {
	p := page{brief: true}
	p.objections(&v)
	return p.writeTo(w)
}

func (p *page) briefLeak(head string, l *verdict.Leak) {
	of := ""
	if l.Count > 1 {
		of = units.Count(l.Count) + " of them"
	}
	p.columns(head, title(l), of)
	if l.Born != (verdict.Site{}) {
		p.item("born", spread(verdict.ShortName(l.Born.Function), l.Born.Place(), 24))
	}
	if l.Caller != (verdict.Site{}) {
		p.item("for", spread(verdict.ShortName(l.Caller.Function), l.Caller.Place(), 24))
	}
	if l.Class != verdict.Goroutine { // the path of a goroutine is that of what it retains
		p.kept(l)
	}
	p.evidence(l)
	p.item("why", l.Why)
	p.item("do", l.Do)
}

// briefLines bounds the lines of the detail of a leak.
const briefLines = 12

// evidence writes the detail of the leak, which is the stack of a goroutine or the addresses of
// descriptors, and what else the leak retains.
func (p *page) evidence(l *verdict.Leak) {
	var also []string
	for _, e := range l.Evidence {
		if !e.Principal {
			other := verdict.Leak{Class: e.Class, Type: verdict.ShortName(e.Type), Field: e.Field, Born: e.Born}
			if t := title(&other); !slices.Contains(also, t) {
				also = append(also, t)
			}
			continue
		}
		label := "detail"
		if l.Class == verdict.Goroutine {
			label = "stack"
		}
		lines := strings.Split(strings.TrimSuffix(e.Detail, "\n"), "\n")
		for _, line := range lines[:min(len(lines), briefLines)] {
			p.item(label, line)
			label = ""
		}
	}
	p.item("with it", strings.Join(also, ", "))
}
