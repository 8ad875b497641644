package loadgen

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Figure is something that a profile measured, and that is neither a time of a hop
// nor a delivery.
type Figure struct {
	Profile string  `json:"profile"`
	Name    string  `json:"name"`
	Value   float64 `json:"value"`          // 0 where the text is no number
	Unit    string  `json:"unit,omitempty"` // "s", "bytes", or what is counted
	Text    string  `json:"text"`           // as people read it
}

// count notes how many of something there were.
func (s *stage) count(name string, n int, unit string) {
	s.note(Figure{Name: name, Value: float64(n), Unit: unit, Text: strconv.Itoa(n) + " " + unit})
}

// took notes a time.
func (s *stage) took(name string, d time.Duration) {
	s.note(Figure{Name: name, Value: d.Seconds(), Unit: "s", Text: units.Duration(d)})
}

// say notes what is no number.
func (s *stage) say(name, text string) { s.note(Figure{Name: name, Text: text}) }

// note is not for concurrent use: what a profile measured is noted by its run.
func (s *stage) note(f Figure) {
	f.Profile = s.Profile
	*s.figures = append(*s.figures, f)
}

// writeFigures writes a line for each figure.
func (r *Result) writeFigures(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Figures {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Profile, f.Name, report.Printable(f.Text)) // it may be the target's
	}
	table.Flush()
}
