package loadgen

import (
	"strconv"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// count notes a number of things.
func (s *phaseRun) count(name string, n int, unit string) {
	s.note(report.Figure{Name: name, Value: float64(n), Unit: unit, Text: strconv.Itoa(n) + " " + unit})
}

// took notes a time.
func (s *phaseRun) took(name string, d time.Duration) {
	s.note(report.Figure{Name: name, Value: d.Seconds(), Unit: "s", Text: units.Duration(d)})
}

// say notes a text.
func (s *phaseRun) say(name, text string) { s.note(report.Figure{Name: name, Text: text}) }

// note adds a figure to the result. It is not safe for concurrent use.
func (s *phaseRun) note(f report.Figure) {
	f.Profile = s.Profile
	*s.figures = append(*s.figures, f)
	if s.noted != nil {
		s.noted()
	}
}
