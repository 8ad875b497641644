package report

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Timeline holds what a run and its target did over time, in columns: one value for each
// time, NaN if there is none. Its size is bounded: when it is full, each two times become
// one, the later one, with the higher value.
type Timeline struct {
	Seconds []float64 `json:"seconds"` // since the run began
	Columns []Column  `json:"columns"`
	Spans   []Span    `json:"spans,omitempty"`
}

// Column is one quantity. Counts begin at 0 with the run.
type Column struct {
	Name   string `json:"name"`
	Values Values `json:"values"`
}

// Span is a part of the run.
type Span struct {
	From float64 `json:"from"` // seconds
	To   float64 `json:"to"`
	Kind string  `json:"kind"` // one of the kinds
	Name string  `json:"name,omitempty"`
}

// The kinds of spans.
const (
	SpanPhase  = "phase"   // of the plan, by its profile
	SpanWarmUp = "warm-up" // of an experiment
	SpanOn     = "on"      // block with peers
	SpanOff    = "off"     // block without
)

// The names of columns. Those of the target begin with targetPrefix. Those of the times of
// a hop begin with a quantile: they are in milliseconds, of the times since the row before.
const (
	ColumnConnections = "connections"
	ColumnLives       = "lives"
	ColumnSent        = "sent"
	ColumnReceived    = "received"
	ColumnCut         = "cut"
	ColumnErrors      = "errors"

	targetPrefix = "target "
	CountPrefix  = "count "
	P50Prefix    = "p50 "
	P99Prefix    = "p99 "
)

func TargetColumn(series string) string { return targetPrefix + series }

// MaxTimes and MaxSpans bound a timeline.
const (
	MaxTimes = 2400
	MaxSpans = 4000
)

// Values are numbers. NaN is null in JSON.
type Values []float64

// MarshalJSON writes the numbers.
func (v Values) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, x, 'g', -1, 64)
	}
	return append(b, ']'), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Values) UnmarshalJSON(b []byte) error {
	var list []*float64
	if err := json.Unmarshal(b, &list); err != nil {
		return fmt.Errorf("values: %w", err)
	}
	*v = make(Values, len(list))
	for i, x := range list {
		if (*v)[i] = math.NaN(); x != nil {
			(*v)[i] = *x
		}
	}
	return nil
}

// Add adds the values of a time. A column that is missing in the row has no value.
func (t *Timeline) Add(seconds float64, row map[string]float64, order []string) {
	t.Seconds = append(t.Seconds, seconds)
	for _, name := range order {
		if t.column(name) == nil {
			t.Columns = append(t.Columns, Column{Name: name, Values: slices.Repeat(Values{math.NaN()}, len(t.Seconds)-1)})
		}
	}
	for i := range t.Columns {
		value, ok := row[t.Columns[i].Name]
		if !ok {
			value = math.NaN()
		}
		t.Columns[i].Values = append(t.Columns[i].Values, value)
	}
}

// Thin halves the number of times.
func (t *Timeline) Thin() {
	n := len(t.Seconds) / 2
	for i := range n {
		t.Seconds[i] = t.Seconds[2*i+1]
		for _, c := range t.Columns {
			a, b := c.Values[2*i], c.Values[2*i+1]
			if c.Values[i] = b; math.IsNaN(b) || a > b {
				c.Values[i] = a
			}
		}
	}
	t.Seconds = t.Seconds[:n]
	for i := range t.Columns {
		t.Columns[i].Values = t.Columns[i].Values[:n]
	}
}

// column returns the values of a column, nil if there is none.
func (t *Timeline) column(name string) Values {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return t.Columns[i].Values
		}
	}
	return nil
}

// peak returns the highest value of a column, NaN if there is none.
func (t *Timeline) peak(name string) float64 {
	highest := math.NaN()
	for _, v := range t.column(name) {
		if math.IsNaN(highest) || v > highest {
			highest = v
		}
	}
	return highest
}

// series returns the names of the series of the target.
func (t *Timeline) series() []string {
	var names []string
	for i := range t.Columns {
		if name, ok := strings.CutPrefix(t.Columns[i].Name, targetPrefix); ok {
			names = append(names, name)
		}
	}
	return names
}
