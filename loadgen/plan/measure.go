package plan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pigeonhub/pigeonhub/loadgen/latency"
)

// measure is the left side of a threshold.
type measure struct {
	Name     string
	unit     unit
	Of       subject
	interval bool    // its value is an interval
	leaks    bool    // only an experiment measures it
	Quantile float64 // of p99 and the like
	about    string
}

type unit int

const (
	unitNumber unit = iota
	unitTime
	unitShare // a number, or percent of the whole
	unitBytes // a number, with a unit if it is in bytes
	unitWord
	unitAny // a number, a time or bytes
)

// subject is the kind of the argument in parentheses.
type subject int

const (
	ofNothing subject = iota // no argument
	OfTimes
	OfScenario // optional
	OfSeries
	OfFigure
)

// The words of the measure leak.
const (
	LeakNone  = "none"
	LeakFound = "leak"
)

// ServiceSuffix selects the service time of a hop. SlipName selects how late actions began.
const (
	ServiceSuffix = ".service"
	SlipName      = "slip"
)

// measures returns all measures except the quantiles.
func measures() []measure {
	list := []measure{
		{Name: "mean", unit: unitTime, Of: OfTimes},
		{Name: "max", unit: unitTime, Of: OfTimes},
		{Name: "count", Of: OfTimes, about: "number of times"},
		{Name: "rate", Of: OfTimes, about: "number of times a second"},
		{Name: "leak", unit: unitWord, Of: OfScenario, leaks: true, about: "with check or soak"},
		{Name: "retained", unit: unitBytes, Of: OfSeries, interval: true, leaks: true, about: "per 1,000 peers, with check or soak"},
		{Name: "peak", unit: unitBytes, Of: OfSeries, about: "the highest reading"},
		{Name: "figure", unit: unitAny, Of: OfFigure, about: "a figure of a profile by its name in the report, or what of it precedes a comma, with or without what precedes a colon; a number, a time or bytes: figure(recovery)<5s"},
		{Name: "lives", about: "all peers that were connected"},
		{Name: "connections", about: "the most at the same time"},
		{Name: "sent"}, {Name: "received"},
	}
	for _, name := range []string{"delivered", "explained", "lost", "duplicated", "reordered", "misrouted", "unexpected", "cut", "errors"} {
		list = append(list, measure{Name: name, unit: unitShare})
	}
	return list
}

// measureOf finds a measure by its name.
func measureOf(name string) (measure, error) {
	if digits, ok := strings.CutPrefix(name, "p"); ok {
		if q, err := strconv.ParseFloat(digits, 64); err == nil {
			if !(q > 0 && q < 100) {
				return measure{}, fmt.Errorf("%s: a percentile is above 0 and below 100", name)
			}
			return measure{Name: name, unit: unitTime, Of: OfTimes, Quantile: q / 100}, nil
		}
	}
	var names []string
	for _, m := range measures() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return measure{}, fmt.Errorf("no measure %q; there are p50, p99, p99.9 and the like, %s", name, strings.Join(names, ", "))
}

// takes checks the argument.
func (m measure) takes(of string, parentheses bool) error {
	switch m.Of {
	case ofNothing:
		if parentheses {
			return fmt.Errorf("%s takes no argument: write it without parentheses", m.Name)
		}
	case OfTimes:
		if _, ok := latency.ParseHop(strings.TrimSuffix(of, ServiceSuffix)); !ok && of != SlipName {
			return fmt.Errorf("%s takes one of %s and %s, or %s%s and so on for the service time; not %q",
				m.Name, strings.Join(latency.HopNames(), ", "), SlipName, latency.HopNames()[0], ServiceSuffix, of)
		}
	case OfScenario:
		if parentheses && of == "" {
			return errors.New("leak takes a scenario, as in leak(rst), or no parentheses for all")
		}
	case OfFigure:
		if of == "" {
			return errors.New("figure takes the name of a figure, as in figure(reconnected)")
		}
	case OfSeries:
		if of == "" {
			return fmt.Errorf("%s takes a series of the target, as in %s(health.memory.rss)", m.Name, m.Name)
		}
	}
	return nil
}

// Measures describes each measure in a line, for the help text.
func Measures() []string {
	list := []string{"p50(HOP) p99(HOP) p99.9(HOP) mean(HOP) max(HOP): a time, HOP one of " + strings.Join(latency.HopNames(), " ") + "; HOP.service for the service time; or slip"}
	for _, m := range measures() {
		if m.unit == unitTime {
			continue
		}
		line := m.Name + [...]string{"", "(HOP)", " or " + m.Name + "(SCENARIO)", "(SERIES)", "(NAME)"}[m.Of]
		switch m.unit {
		case unitShare:
			line += ": a number or percent"
		case unitWord:
			line += ": none or leak"
		}
		if m.about != "" {
			line += ": " + m.about
		}
		list = append(list, line)
	}
	return list
}
