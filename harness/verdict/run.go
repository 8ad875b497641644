package verdict

import (
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Run is everything that Judge judges by: what happened, and what was seen.
type Run struct {
	Name    string // of the test: "regress", "loadgen check"
	Target  string // what was tested: "hub.Hub in process", "wss://..."
	Command string // repeats the run
	Seed    uint64
	Commit  string
	Root    string // of the checkout; cut from file names so that they do not depend on the machine
	Report  string // where the HTML report will be

	Start    time.Time
	Duration time.Duration
	Lives    int64 // peers that went through a scenario, in all

	Scenarios []Scenario
	Cycles    []Cycle
	Detectors []Detector
	Controls  []Control
	Findings  []Finding
	Trends    []Trend // results of Test, for a target that is seen from outside only
	Series    []Series
	Coverage  *Coverage // which code ran; nil to leave it out of the report

	Known []Rule
	// Suite is set if several runs share the rules: a rule that matches nothing in this run
	// may match in another. Call Stale when all of them are judged.
	Suite bool
	Today time.Time // decides which rules have expired; default: the day of Start

	// Rate is the number of peers a second that severities are computed for. Default 10.
	Rate float64

	// What the caller knows to be wrong with the run itself. Problems make it invalid,
	// doubts keep it from passing.
	Problems []Reason
	Doubts   []Reason
	// Failures are what the target did wrong beside leaking, for example that it died.
	Failures []Reason
	// Thresholds are further conditions, evaluated by the caller.
	Thresholds []Threshold
}

// Scenario is one way in which peers come and go, with its peers of all cycles.
type Scenario struct {
	Name    string `json:"name"`
	Planned int64  `json:"planned"` // peers
	Landed  int64  `json:"landed"`  // of these, the ones that did what the scenario says

	// Unit is what its doses count if they count no peers: PerEvent, PerResident.
	Unit string `json:"unit,omitempty"`
}

// The units of scenarios of residents, the peers that stay over all cycles.
const (
	PerEvent    = "event that a resident saw"
	PerResident = "resident"
)

// Cycle is one round of the run. Its doses count the peers that landed: a peer that never
// arrived cannot leak.
type Cycle struct {
	Doses map[string]int64 `json:"doses"` // by scenario

	// Sessions are the connections that those peers opened, if known. If a scenario opens
	// two for each peer, a leak of every session is a leak of two per peer.
	Sessions map[string]int64 `json:"sessions,omitempty"`

	// Trial is set for a cycle that was added to find out which scenario leaks: see Trials.
	// Whether there is a leak is judged without it.
	Trial bool `json:"trial,omitempty"`
}

// Peers returns the number of peers of all scenarios. A trial may have none.
func (c Cycle) Peers() (n int64) {
	for _, dose := range c.Doses {
		n += dose
	}
	return n
}

// State is whether a detector worked.
type State string

// The states.
const (
	Ready   State = "ok"
	Missing State = "missing" // it could not look: the run is invalid
	Off     State = "off"     // it was not meant to look
)

// Detector is one instrument of the run.
type Detector struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	Why   string `json:"why,omitempty"`  // why it is missing or off
	Do    string `json:"do,omitempty"`   // what makes it work
	Unit  string `json:"unit,omitempty"` // what it counts: "object", "goroutine"

	// Noise is the largest change of a count in a cycle without a leak. If it is 0, a single
	// thing that stays is a leak.
	Noise float64 `json:"noise"`

	// Aside is set for a detector that counts no leaks: it reads series, whose trends have
	// a sensitivity of their own, or looks for something else.
	Aside bool `json:"aside,omitempty"`
}

// Control checks the detectors themselves, in the same run.
type Control struct {
	Name    string `json:"name"`
	Planted bool   `json:"planted"` // a leak that must be caught; otherwise a benign pattern that must not be
	Caught  bool   `json:"caught"`
	Detail  string `json:"detail,omitempty"`
}

// Failed reports whether the detectors were wrong.
func (c Control) Failed() bool { return c.Planted != c.Caught }

// Series is one quantity over the run.
type Series struct {
	Name  string `json:"name"`            // "hub.Hub.peers", "heap live"
	Group string `json:"group,omitempty"` // series of a group share a chart: "heap", "goroutines", "collections"
	Unit  string `json:"unit,omitempty"`  // "bytes", or what is counted

	Points []Point `json:"points"`
}

// Point is one reading.
type Point struct {
	Seconds float64 `json:"t"`               // since the start of the run
	Cycle   int     `json:"cycle,omitempty"` // after which it was taken; 0 is the baseline
	Dose    float64 `json:"dose,omitempty"`  // peers that went through so far
	Value   float64 `json:"value"`

	Block int `json:"block,omitempty"` // on or off block in which it was taken
}

// Bytes is the unit of series and trends that are not counts.
const Bytes = units.InBytes

// Rule allows a known leak. A leak matches if it meets all criteria that the rule has; a
// star in a pattern stands for any text. A rule that has expired, has no date or matches
// nothing fails the run: it would hide the next leak of its kind.
type Rule struct {
	Fingerprint string    `json:"fingerprint,omitempty"` // at least 6 digits of it
	Class       Class     `json:"class,omitempty"`
	Type        string    `json:"type,omitempty"`  // pattern
	Field       string    `json:"field,omitempty"` // pattern, of the field or the retaining path
	Reason      string    `json:"reason"`
	Issue       string    `json:"issue,omitempty"`
	Expires     time.Time `json:"expires"` // the last day on which it holds
}

// Reason is something that keeps a run from passing: what happened, and what to do.
type Reason struct {
	About string `json:"about,omitempty"` // a detector, a scenario, a control
	What  string `json:"what"`
	Do    string `json:"do,omitempty"`

	// Aside is set for a failure that does not affect what is known about leaks, for example
	// because it happened after they were measured.
	Aside bool `json:"aside,omitempty"`
}

// Touching returns the failures that may have hidden leaks: all that are not Aside.
func Touching(failures []Reason) []Reason {
	return slices.DeleteFunc(slices.Clone(failures), func(r Reason) bool { return r.Aside })
}
