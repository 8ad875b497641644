package report

import (
	"fmt"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Push is what became of the samples of a run that were sent to one receiver while it went on. It
// does not change the verdict.
type Push struct {
	To      string `json:"to"`              // the kind of the receiver and its URL, without secrets
	Samples int    `json:"samples"`         // that were taken
	Lost    int    `json:"lost"`            // of these, those that did not arrive
	Pushes  int    `json:"pushes"`          // requests
	Failed  int    `json:"failed"`          // of these
	Error   string `json:"error,omitempty"` // of the last one that failed
}

// String returns it in one line.
func (p Push) String() string {
	text := fmt.Sprintf("%s: %s sent", p.To, units.Plural(p.Samples, "sample"))
	if p.Lost > 0 {
		text = fmt.Sprintf("%s: of %s %d did not arrive", p.To, units.Plural(p.Samples, "sample"), p.Lost)
	}
	if p.Failed > 0 {
		text += fmt.Sprintf("; of %s %d failed: %s", units.Plural(p.Pushes, "push", "pushes"), p.Failed, p.Error)
	}
	return text
}
