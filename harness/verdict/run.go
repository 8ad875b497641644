package verdict

import (
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Run is what happened and what was seen: everything that Judge judges by.
type Run struct {
	Name    string // of what ran: "regress", "loadgen check"
	Target  string // what it ran against: "hub.Hub in process", "wss://..."
	Command string // that runs it again
	Seed    uint64
	Commit  string
	Root    string // the checkout; cut from file names, so that they are the same on every machine
	Report  string // where the HTML report will be, for whoever reads the text

	Start    time.Time
	Duration time.Duration
	Lives    int64 // peers that were put through, in all

	Scenarios []Scenario
	Cycles    []Cycle
	Detectors []Detector
	Controls  []Control
	Findings  []Finding
	Trends    []Trend // what Test made of the series of a target that cannot be seen into
	Series    []Series

	Known []Rule
	// Suite is set for one of several runs that share the rules: a rule that matches
	// nothing in this one may match in another. Ask Stale when all are judged.
	Suite bool
	Today time.Time // by which rules expire; zero: the day of Start

	// Rate is how many peers a second the severity is told for. Default 10.
	Rate float64

	// What the caller knows to be wrong with the run itself: problems make it
	// invalid, doubts keep it from passing.
	Problems []Reason
	Doubts   []Reason
	// Failures are what the target did wrong beside leaking: it died, for example.
	Failures []Reason
	// Thresholds are further conditions of the caller, which has judged them.
	Thresholds []Threshold
}

// Scenario is one way in which peers came and went, over all cycles.
type Scenario struct {
	Name    string `json:"name"`
	Planned int64  `json:"planned"` // peers
	Landed  int64  `json:"landed"`  // of these, the ones that really did what the scenario says
}

// Cycle is one round of the run. Its doses are the peers that landed: who never
// arrived cannot be leaked.
type Cycle struct {
	Doses map[string]int64 `json:"doses"` // by scenario

	// Sessions are the connections that those peers opened, if it is known: where a
	// scenario takes two for a peer, a leak of each session is one of two per peer.
	Sessions map[string]int64 `json:"sessions,omitempty"`

	// Trial is a cycle that was made to tell which scenario leaks: see Trials. Whether
	// there is a leak is judged without it.
	Trial bool `json:"trial,omitempty"`
}

// State says whether a detector worked.
type State string

// The states.
const (
	Ready   State = "ok"
	Missing State = "missing" // it should have looked and could not: the run is invalid
	Off     State = "off"     // nobody asked it to look; said in the report
)

// Detector is one instrument of the run.
type Detector struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	Why   string `json:"why,omitempty"`  // it is missing or off
	Do    string `json:"do,omitempty"`   // to have it work
	Unit  string `json:"unit,omitempty"` // what it counts: "object", "goroutine"

	// Noise is by how much a clean cycle moves a count of it, at worst. A detector
	// without noise counts one by one: a single one that stays is a leak.
	Noise float64 `json:"noise"`

	// Aside says that it counts no leaks itself: it reads series, whose trends have a
	// sensitivity of their own, or looks for something else.
	Aside bool `json:"aside,omitempty"`
}

// Control is a check of the instrument itself, made in the same run.
type Control struct {
	Name    string `json:"name"`
	Planted bool   `json:"planted"` // a leak, which must be caught; otherwise benign, which must not be
	Caught  bool   `json:"caught"`
	Detail  string `json:"detail,omitempty"`
}

// Failed reports whether the instrument was wrong.
func (c Control) Failed() bool { return c.Planted != c.Caught }

// Series is one quantity over the run.
type Series struct {
	Name  string `json:"name"`            // "hub.Hub.peers", "heap live"
	Group string `json:"group,omitempty"` // series of one group share a plot: "heap", "goroutines", "collections"
	Unit  string `json:"unit,omitempty"`  // "bytes", or what is counted

	Points []Point `json:"points"`
}

// Point is one reading.
type Point struct {
	Seconds float64 `json:"t"`               // since the start of the run
	Cycle   int     `json:"cycle,omitempty"` // after which it was taken; 0 is the baseline
	Dose    float64 `json:"dose,omitempty"`  // peers put through so far
	Value   float64 `json:"value"`

	Block int `json:"block,omitempty"` // on or off block in which it was taken
}

// Bytes is the unit of series and trends that are not counts.
const Bytes = units.InBytes

// Rule says that a leak is known. All criteria that are given must hold; a star
// in a pattern stands for any text. A rule that has expired, has no date, or
// matches nothing fails the run: it would hide the next leak of its kind.
type Rule struct {
	Fingerprint string    `json:"fingerprint,omitempty"` // at least 6 digits of it
	Class       Class     `json:"class,omitempty"`
	Type        string    `json:"type,omitempty"`  // pattern
	Field       string    `json:"field,omitempty"` // pattern, of the field or the retaining path
	Reason      string    `json:"reason"`
	Issue       string    `json:"issue,omitempty"`
	Expires     time.Time `json:"expires"` // the last day on which it holds
}

// Reason is something that keeps a run from passing, and what to do about it.
type Reason struct {
	About string `json:"about,omitempty"` // a detector, a scenario, a control
	What  string `json:"what"`
	Do    string `json:"do,omitempty"`

	// Aside is a failure that does not touch what is known of leaks: it came when that
	// was measured, for example.
	Aside bool `json:"aside,omitempty"`
}

// Touching returns those failures that leave open what else a run would have found: all
// that are not Aside.
func Touching(failures []Reason) []Reason {
	return slices.DeleteFunc(slices.Clone(failures), func(r Reason) bool { return r.Aside })
}
