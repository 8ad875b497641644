package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// Figure is a measurement of a profile that is neither the time of a hop nor a delivery.
type Figure struct {
	Profile string  `json:"profile"`
	Name    string  `json:"name"`
	Value   float64 `json:"value"`          // 0 if the text is not a number
	Unit    string  `json:"unit,omitempty"` // "s", "bytes", or the things that are counted
	Text    string  `json:"text"`           // for display
}

// isNamed reports whether a text names the figure: by its name, by what of it precedes a comma,
// or by that without what precedes a colon.
func (f *Figure) isNamed(text string) bool {
	short, _, _ := strings.Cut(f.Name, ",")
	_, shorter, _ := strings.Cut(short, ": ")
	return text == f.Name || text == short || text == shorter && shorter != ""
}

// writeFigures writes a line for each figure.
func (r *Result) writeFigures(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Figures {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Profile, f.Name, report.Printable(f.Text)) // the text may come from the target
	}
	table.Flush()
}
