package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Capacity is the result of a search for the highest load that a target holds. The limit lies
// between Held and Broke.
type Capacity struct {
	Of     string   `json:"of"`              // what was raised: "peers", "messages a second"
	Hop    string   `json:"hop"`             // of a message
	Limits []string `json:"limits"`          // thresholds that each level had to hold
	Most   int      `json:"most"`            // the bound of the search
	Held   int      `json:"held"`            // the highest level that held, 0 if none did
	Broke  int      `json:"broke,omitempty"` // the lowest level above it that did not, 0 if none was met
	By     Limiter  `json:"by"`              // what ended the search
	Why    string   `json:"why,omitempty"`   // what broke
	Levels []Level  `json:"levels"`          // in the order in which they were tried
}

// Limiter is what ends a search.
type Limiter string

// What ends a search.
const (
	ByTarget    Limiter = "target"    // it broke a limit
	ByGenerator Limiter = "generator" // it could not make the load
	ByBound     Limiter = "bound"     // the highest level that was allowed held
	ByTime      Limiter = "time"      // the time was up
)

// Level is one try of a level.
type Level struct {
	Level   int           `json:"level"`
	Limiter Limiter       `json:"limiter,omitempty"` // "" if it held
	Why     string        `json:"why,omitempty"`     // it did not hold
	P50     time.Duration `json:"p50"`               // of the time of a message
	P99     time.Duration `json:"p99"`
	Slip99  time.Duration `json:"slip99"` // within which 99 % of the actions began
}

// String returns the result in one line, with its uncertainty.
func (c *Capacity) String() string {
	return fmt.Sprintf("%s %s held; %s", units.Count(c.Held), c.Of, c.end())
}

// end says what ended the search, and what to do about it.
func (c *Capacity) end() string {
	broke := units.Count(c.Broke)
	switch {
	case c.By == ByTarget:
		return units.Because(broke+" did not", c.Why)
	case c.By == ByGenerator:
		return fmt.Sprintf("at %s the generator was the limit, not the target (%s): more of it needs a faster machine for loadgen", broke, c.Why)
	case c.By == ByBound:
		return "that is the most that was tried: raise " + c.flag()
	case c.Broke > 0:
		return fmt.Sprintf("%s did not (%s), and the time was up before the search ended: raise --duration", broke, c.Why)
	}
	return "the time was up before the search ended: raise --duration"
}

// flag returns the flag that bounds the search.
func (c *Capacity) flag() string {
	if c.Of == "peers" {
		return "--peers"
	}
	return "--rate"
}

// writeCapacities writes a line for each search, and one for each level that it tried.
func (r *Result) writeCapacities(w io.Writer) {
	for i := range r.Capacities {
		c := &r.Capacities[i]
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(table, "%s\tp50 %s\tp99 %s\tbegun late by\t\n", c.Of, c.Hop, c.Hop)
		for _, l := range c.sorted() {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t  %s\n", units.Count(l.Level),
				units.Duration(l.P50), units.Duration(l.P99), units.Duration(l.Slip99), l.outcome())
		}
		table.Flush()
		fmt.Fprintf(w, "capacity     %s\n\n", report.Printable(c.String())) // errors may come from the target
	}
}

// sorted returns the levels in rising order. Tries of the same level stay in theirs.
func (c *Capacity) sorted() []Level {
	list := slices.Clone(c.Levels)
	slices.SortStableFunc(list, func(a, b Level) int { return a.Level - b.Level })
	return list
}

// outcome returns what became of the try.
func (l Level) outcome() string {
	if l.Limiter == "" {
		return "held"
	}
	return report.Printable(string(l.Limiter) + ": " + l.Why)
}

// chart returns the 99th percentile of the time of a message by level: the knee is where it
// rises. The band is the uncertainty of the result.
func (c *Capacity) chart() chart {
	ch := chart{report.Chart{Title: c.Of + ": time of a message, p99", XTitle: c.Of, Dots: true,
		XTicks: report.Evenly(6, units.Short), YTicks: decades}}
	ch.Label = func(v float64) string { return units.Duration(time.Duration(math.Pow(10, v) * float64(time.Second))) }
	for i, limiter := range []Limiter{"", ByTarget, ByGenerator} {
		name := "held"
		if limiter != "" {
			name = "limited by the " + string(limiter)
		}
		line := report.Line{Name: name, Colour: i, Dashed: limiter != ""}
		for _, l := range c.sorted() {
			if l.Limiter == limiter && l.P99 > 0 {
				line.Points = append(line.Points, report.XY{X: float64(l.Level), Y: math.Log10(l.P99.Seconds())})
			}
		}
		if len(line.Points) > 0 {
			ch.Lines = append(ch.Lines, line)
		}
	}
	if c.Broke > 0 {
		ch.Bands = []report.Band{{From: float64(c.Held), To: float64(c.Broke), Opacity: shadeOn, Title: "the limit lies in here"}}
	}
	return ch
}

// capacityPage is the data of the section of one search.
type capacityPage struct {
	*Capacity
	Text   string
	Sorted []Level
	Charts []chart
}

func (r *Result) capacityPages() []capacityPage {
	var list []capacityPage
	for i := range r.Capacities {
		c := &r.Capacities[i]
		list = append(list, capacityPage{c, c.String(), c.sorted(), notEmpty([]chart{c.chart()})})
	}
	return list
}

// markdownCapacities returns a line for each search.
func (r *Result) markdownCapacities() string {
	var b strings.Builder
	for i := range r.Capacities {
		fmt.Fprintf(&b, "\nCapacity: %s\n", report.EscapeMarkdown(r.Capacities[i].String()))
	}
	return b.String()
}
