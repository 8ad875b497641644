package report

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
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

// writeFigures writes a line for each figure.
func (r *Result) writeFigures(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Figures {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Profile, f.Name, report.Printable(f.Text)) // it may be the target's
	}
	table.Flush()
}
