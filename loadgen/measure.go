package loadgen

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pigeonhub/pigeonhub/loadgen/latency"
)

// measure is something that a threshold may be of.
type measure struct {
	name     string
	unit     unit
	of       subject
	interval bool    // it is known within an interval
	quantile float64 // of p99 and the like
	about    string
}

type unit int

const (
	unitNumber unit = iota
	unitTime
	unitShare // a number, or percent of the whole
	unitBytes // a number, with a unit if it is of bytes
	unitWord
)

// subject says what stands in the parentheses.
type subject int

const (
	ofNothing subject = iota
	ofTimes
	ofScenario // or of nothing
	ofSeries
	ofFigure
)

// The words of a leak.
const (
	leakNone  = "none"
	leakFound = "leak"
)

// serviceSuffix asks for the service time of a hop, slipName for how late actions began.
const (
	serviceSuffix = ".service"
	slipName      = "slip"
)

// measures are all measures but the quantiles.
func measures() []measure {
	list := []measure{
		{name: "mean", unit: unitTime, of: ofTimes},
		{name: "max", unit: unitTime, of: ofTimes},
		{name: "count", of: ofTimes, about: "how often"},
		{name: "rate", of: ofTimes, about: "how often a second"},
		{name: "leak", unit: unitWord, of: ofScenario},
		{name: "retained", unit: unitBytes, of: ofSeries, interval: true, about: "per 1,000 peers"},
		{name: "peak", unit: unitBytes, of: ofSeries, about: "the highest reading"},
		{name: "figure", of: ofFigure, about: "what a profile measured, by its name in the report; a time in seconds"},
		{name: "lives", about: "peers that were connected, in all"},
		{name: "connections", about: "the most at once"},
		{name: "sent"}, {name: "received"},
	}
	for _, name := range []string{"delivered", "explained", "lost", "duplicated", "reordered", "misrouted", "unexpected", "cut", "errors"} {
		list = append(list, measure{name: name, unit: unitShare})
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
			return measure{name: name, unit: unitTime, of: ofTimes, quantile: q / 100}, nil
		}
	}
	var names []string
	for _, m := range measures() {
		if m.name == name {
			return m, nil
		}
		names = append(names, m.name)
	}
	return measure{}, fmt.Errorf("no measure %q; there are p50, p99, p99.9 and the like, %s", name, strings.Join(names, ", "))
}

// takes checks what stands in the parentheses.
func (m measure) takes(of string, parentheses bool) error {
	switch m.of {
	case ofNothing:
		if parentheses {
			return fmt.Errorf("%s is of nothing: write it without parentheses", m.name)
		}
	case ofTimes:
		if _, ok := latency.ParseHop(strings.TrimSuffix(of, serviceSuffix)); !ok && of != slipName {
			return fmt.Errorf("%s is of one of %s and %s, or of %s%s and so on for the service time; not of %q",
				m.name, strings.Join(latency.HopNames(), ", "), slipName, latency.HopNames()[0], serviceSuffix, of)
		}
	case ofScenario:
		if parentheses && of == "" {
			return errors.New("leak is of a scenario, as in leak(rst), or of all, without parentheses")
		}
	case ofFigure:
		if of == "" {
			return errors.New("figure is of what a profile measured, as in figure(reconnected)")
		}
	case ofSeries:
		if of == "" {
			return fmt.Errorf("%s is of a series of the target, as in %s(health.memory.rss)", m.name, m.name)
		}
	}
	return nil
}

// Measures tells what a threshold may be of, a line for each: for the help text.
func Measures() []string {
	list := []string{"p50(HOP) p99(HOP) p99.9(HOP) mean(HOP) max(HOP): a time, HOP one of " + strings.Join(latency.HopNames(), " ") + "; HOP.service for the service time; or slip"}
	for _, m := range measures() {
		if m.unit == unitTime {
			continue
		}
		line := m.name + [...]string{"", "(HOP)", " or " + m.name + "(SCENARIO)", "(SERIES)", "(NAME)"}[m.of]
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
