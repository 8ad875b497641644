package verdict

import (
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Threshold is a condition that the caller set and evaluated. A failed one turns a pass into
// a failure, an inconclusive one into an inconclusive run. Neither changes what the run found
// about leaks.
type Threshold struct {
	Text    string  `json:"text"`             // "p99(offer)<50ms"
	Outcome Outcome `json:"outcome"`          // pass, failed or inconclusive
	Actual  string  `json:"actual,omitempty"` // "12.3ms"; "" if nothing was measured
	Why     string  `json:"why,omitempty"`    // why it failed without a value, or is inconclusive
}

// String returns the threshold in one line: "p99(offer)<50ms: 81ms".
func (t Threshold) String() string { return units.Because(units.Because(t.Text, t.Actual), t.Why) }

// hasThreshold reports whether a threshold has the outcome.
func (v *Verdict) hasThreshold(o Outcome) bool {
	return slices.ContainsFunc(v.Thresholds, func(t Threshold) bool { return t.Outcome == o })
}
