package report

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

//go:embed suite.html
var suiteHTML string

var suitePage = template.Must(template.Must(report.Clone()).New("suite").Parse(suiteHTML))

// SuiteHTML writes the page of a suite: its verdict, each leak once, and links to the pages of
// the runs. It needs no other file but those, and no network.
func SuiteHTML(w io.Writer, s Suite) error {
	d := suiteDocument{Suite: s, Outcome: s.Outcome(), Headline: s.headline()}
	d.Facts = []fact{{units.Count(s.lives()), "peers put through"}, {units.Seconds(s.Seconds), "from start to verdict"}, {units.Count(len(s.Runs)), "runs"}}
	for _, c := range s.causes() {
		card := suiteCard{card: newCard(&s.Runs[c.run].Verdict, "leak", c.leak)}
		for _, seen := range c.seen {
			card.Runs = append(card.Runs, suiteLink{s.Runs[seen.run].Verdict.Run.Name, s.Runs[seen.run].Page, title(seen.leak) + ", " + howMuch(seen.leak)})
		}
		d.Cards = append(d.Cards, card)
	}
	for i := range s.Runs {
		v := &s.Runs[i].Verdict
		row := suiteRow{Outcome: v.Outcome, suiteLink: suiteLink{v.Run.Name, s.Runs[i].Page, headline(v)}, Lives: v.Run.Lives, Took: units.Seconds(v.Run.Seconds)}
		if v.Sensitivity.Known {
			row.Smallest = v.Sensitivity.String()
		}
		d.Rows = append(d.Rows, row)
	}
	return suitePage.Execute(w, d)
}

type suiteDocument struct {
	Suite
	Outcome  verdict.Outcome
	Headline string
	Facts    []fact
	Cards    []suiteCard
	Rows     []suiteRow
}

// suiteCard shows a leak and the runs that saw it.
type suiteCard struct {
	card
	Runs []suiteLink
}

// suiteLink refers to the page of a run.
type suiteLink struct{ Name, Page, What string }

// suiteRow shows a run.
type suiteRow struct {
	suiteLink
	Outcome        verdict.Outcome
	Lives          int64
	Took, Smallest string
}
