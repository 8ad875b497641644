package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

//go:embed report.html
var reportHTML string

var report = template.Must(template.New("report").Funcs(template.FuncMap{
	"number": units.Count[int64], "size": units.Bytes, "upper": func(o verdict.Outcome) string { return strings.ToUpper(string(o)) },
	"held": func(o verdict.Outcome) string { return thresholdWords[o] }, "short": verdict.Short, "name": verdict.ShortName, "join": func(words []string) string { return strings.Join(words, ", ") },
	"bar": func(part, whole int64) string { return fmt.Sprintf("%.1f", 100*float64(part)/float64(max(1, whole))) },
}).Parse(reportHTML))

// HTML writes a page that needs no other file and no network.
func HTML(w io.Writer, v verdict.Verdict) error { return HTMLWith(w, v, nil, nil) }

// Section is a part of the page that the caller adds. Its body may use the classes of the page:
// card, grid, plot, legend, scroll, num, soft, and s0 to s4 for lines.
type Section struct {
	Title string
	Body  template.HTML // text from outside must be escaped
}

// HTMLWith writes the page with sections of the caller, some after the verdict and the leaks,
// some at the end.
func HTMLWith(w io.Writer, v verdict.Verdict, first, last []Section) error {
	d := newDocument(v)
	d.First, d.Last = first, last
	d.Thresholds = slices.Clone(v.Thresholds)
	slices.SortStableFunc(d.Thresholds, func(a, b verdict.Threshold) int { return cmp.Compare(rank(&a), rank(&b)) })
	return report.Execute(w, d)
}

// document is the verdict as the page shows it.
type document struct {
	verdict.Verdict
	Headline string
	Facts    []fact
	Cards    []card
	Rows     []scenarioRow
	Looked   []detectorRow
	Checks   []string
	Plots    []Chart
	Forest   []forestRow
	Text     string
	Columns  []string // of figures by cycle
	Single   bool     // the headline is the one leak

	First, Last []Section // of the caller
}

// fact is a figure in large digits.
type fact struct{ Value, Label string }

// card shows one leak.
type card struct {
	*verdict.Leak
	Kind, What, Rate, Figures string
	By, Place, Cost, In       string
	Steps                     []string
	Seen                      []sight
	Rule                      *verdict.Rule
}

// sight shows the evidence of one detector, with a bar for each cycle.
type sight struct {
	verdict.Evidence
	Of, All, Growth string
	Bars            []bar
}

type bar struct {
	Height float64
	Count  int64
}

// scenarioRow shows a scenario with its doses.
type scenarioRow struct {
	verdict.Scenario
	Doses  []int64
	State  string // leaks, clear, unknown, invalid
	Rate   string
	Widest int64
}

// detectorRow shows a detector with its sensitivity and the leaks that it saw.
type detectorRow struct {
	verdict.Detector
	Smallest string
	Saw      int
}

// forestRow shows a trend with its interval to scale.
type forestRow struct {
	*verdict.Trend
	Title, Retained, Interval, Smallest, Advice string
	Left, Width, Dot, Zero                      float64 // percent of the column
	Drawn                                       bool
}

func newDocument(v verdict.Verdict) document {
	d := document{Verdict: v, Headline: headline(&v), Plots: charts(&v), Checks: controls(v.Controls), Text: text(&v)}
	for i := range v.Leaks {
		d.Cards = append(d.Cards, newCard(&v, "leak", &v.Leaks[i]))
	}
	for i := range v.Doubtful {
		d.Cards = append(d.Cards, newCard(&v, "maybe", &v.Doubtful[i]))
	}
	for i := range v.Known {
		c := newCard(&v, "known", &v.Known[i].Leak)
		c.Rule = &v.Known[i].Rule
		d.Cards = append(d.Cards, c)
	}
	d.Single = v.Outcome == verdict.Leaking && len(d.Cards) == 1
	d.Columns = cycleNames(&v)
	d.facts()
	d.scenarios()
	d.detectors()
	d.Forest = forest(v.Trends)
	return d
}

func (d *document) facts() {
	v := &d.Verdict
	d.Facts = append(d.Facts, fact{units.Count(v.Run.Lives), "peers put through"}, fact{units.Seconds(v.Run.Seconds), "from start to verdict"})
	switch {
	case !v.Tested():
		d.Facts = append(d.Facts, fact{"not tested", "leaks"})
	case len(v.NotLeaking) > 0:
		d.Facts = append(d.Facts, fact{fmt.Sprintf("%d of %d", len(v.NotLeaking), len(v.Scenarios)), "scenarios cleared"})
	}
	if len(v.Leaks) > 0 && v.Leaks[0].BytesPerDay > 0 {
		d.Facts = append(d.Facts, fact{units.Bytes(v.Leaks[0].BytesPerDay), "a day lost at " + units.Number(v.Run.Rate) + " peers a second"})
	}
	if v.Sensitivity.Known {
		d.Facts = append(d.Facts, fact{v.Sensitivity.String(), "smallest leak it could have seen"})
	}
}

func newCard(v *verdict.Verdict, kind string, l *verdict.Leak) card {
	c := card{Leak: l, Kind: kind, What: title(l), Rate: howMuch(l), Figures: figures(l), By: verdict.ShortName(l.Born.Function), Place: l.Born.Place(), Cost: cost(l, v.Run.Rate), In: wentIn(l)}
	c.Steps = steps(l)
	for _, e := range l.Evidence {
		s := sight{Evidence: e, Of: cmp.Or(cutKeys(verdict.ShortName(cmp.Or(e.Field, e.Type))), e.Born.Place()), All: units.Count(e.Count)}
		if e.Count == 0 {
			s.All = units.Bytes(float64(e.Bytes))
		}
		if len(e.PerCycle) > 0 {
			s.Growth = growth(&e.Finding)
		}
		most := int64(1)
		for _, n := range e.PerCycle {
			most = max(most, n)
		}
		for _, n := range e.PerCycle {
			s.Bars = append(s.Bars, bar{math.Max(4, 100*float64(n)/float64(most)), n})
		}
		c.Seen = append(c.Seen, s)
	}
	return c
}

// steps cuts the retaining path where a line may break.
func steps(l *verdict.Leak) []string {
	path := keptBy(l)
	if path == "" {
		return nil
	}
	var steps []string
	for i, part := range strings.Split(path, " -> ") {
		if i > 0 {
			part = "→ " + part
		}
		steps = append(steps, part)
	}
	return steps
}

func (d *document) scenarios() {
	v, widest := &d.Verdict, int64(0)
	for _, s := range v.Scenarios {
		widest = max(widest, s.Planned, s.Landed)
	}
	for _, s := range v.Scenarios {
		row := scenarioRow{Scenario: s, State: "unknown", Widest: widest}
		for _, c := range v.Cycles {
			row.Doses = append(row.Doses, c.Doses[s.Name])
		}
		if slices.Contains(v.NotLeaking, s.Name) {
			row.State = "clear"
		}
		for _, c := range d.Cards {
			for _, share := range c.Source.Shares {
				if share.Scenario == s.Name {
					row.State, row.Rate = c.Kind, units.Rate(share.PerPeer)+" per "+cmp.Or(s.Unit, "peer")
				}
			}
		}
		if slices.ContainsFunc(v.Invalid, func(r verdict.Reason) bool { return r.About == s.Name }) {
			row.State = "invalid"
		}
		d.Rows = append(d.Rows, row)
	}
}

func (d *document) detectors() {
	for _, det := range d.Verdict.Detectors {
		row := detectorRow{Detector: det}
		for _, p := range d.Sensitivity.Detectors {
			if p.Detector == det.Name {
				row.Smallest = units.OneIn(p.Peers, p.Unit)
			}
		}
		for _, c := range d.Cards {
			if c.Kind != "known" && slices.ContainsFunc(c.Evidence, func(e verdict.Evidence) bool { return e.Detector == det.Name }) {
				row.Saw++
			}
		}
		d.Looked = append(d.Looked, row)
	}
}

// forest returns rows in which the intervals of a series share one scale.
func forest(trends []verdict.Trend) []forestRow {
	low, high := make(map[string]float64), make(map[string]float64)
	for _, t := range trends {
		for _, x := range append([]float64{0, t.Retained}, ends(t.Interval)...) {
			low[t.Series], high[t.Series] = math.Min(low[t.Series], x), math.Max(high[t.Series], x)
		}
	}
	var rows []forestRow
	for i := range trends {
		t := &trends[i]
		row := forestRow{Trend: t, Title: trendTitle(t), Retained: units.Quantity(t.Retained, t.Unit), Interval: interval(t), Smallest: smallest(t)}
		if t.Outcome == verdict.Inconclusive {
			row.Advice = t.Advice()
		}
		from, span := low[t.Series], high[t.Series]-low[t.Series]
		if span > 0 {
			at := func(x float64) float64 { return 4 + 92*(x-from)/span }
			row.Zero, row.Dot, row.Left, row.Drawn = at(0), at(t.Retained), at(t.Retained), true
			if t.Interval != nil {
				row.Left = at(t.Interval.Low)
				row.Width = at(t.Interval.High) - row.Left
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// trendTitle returns the name of a trend, and what it is per if that is no peer.
func trendTitle(t *verdict.Trend) string {
	if t.Per == "" {
		return t.Name()
	}
	return t.Name() + ", per " + t.PerThousand()
}

func ends(i *verdict.Interval) []float64 {
	if i == nil {
		return nil
	}
	return []float64{i.Low, i.High}
}
