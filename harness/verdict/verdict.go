package verdict

import "time"

// Outcome is the verdict in one word.
type Outcome string

// The outcomes. None is the outcome of a trend only.
const (
	Pass         Outcome = "pass"
	Leaking      Outcome = "leak"
	Inconclusive Outcome = "inconclusive"
	Invalid      Outcome = "invalid" // the run cannot tell, and says why
	Failed       Outcome = "failed"  // the target did, in another way than by a leak
	None         Outcome = "none"    // nothing of the size that matters is retained
)

// ExitCode is the status with which a command ends on this outcome.
func (o Outcome) ExitCode() int {
	switch o {
	case Pass, None:
		return 0
	case Leaking, Failed:
		return 1
	case Inconclusive:
		return 3
	}
	return 2
}

// SchemaVersion is the version of the JSON form.
const SchemaVersion = 1

// Verdict is what Judge makes of a run, and all that the writers need.
type Verdict struct {
	Schema  int     `json:"schema"`
	Outcome Outcome `json:"outcome"`
	Run     About   `json:"run"`

	Failures []Reason `json:"failures,omitempty"` // what the target did wrong beside leaking
	Invalid  []Reason `json:"invalid,omitempty"`  // why the run cannot tell
	Doubts   []Reason `json:"doubts,omitempty"`   // why it does not pass without a leak

	Leaks    []Leak  `json:"leaks,omitempty"`    // worst first
	Known    []Known `json:"known,omitempty"`    // leaks that a rule allows for now
	Doubtful []Leak  `json:"doubtful,omitempty"` // growth that may be one

	Thresholds []Threshold `json:"thresholds,omitempty"` // of the caller, as it judged them

	NotLeaking  []string    `json:"notLeaking"` // scenarios
	Sensitivity Sensitivity `json:"sensitivity"`

	Scenarios []Scenario `json:"scenarios,omitempty"`
	Cycles    []Cycle    `json:"cycles,omitempty"`
	Detectors []Detector `json:"detectors,omitempty"`
	Controls  []Control  `json:"controls,omitempty"`
	Trends    []Trend    `json:"trends,omitempty"`
	Series    []Series   `json:"series,omitempty"`
}

// About says which run it was and how to have it again.
type About struct {
	Name    string    `json:"name,omitempty"`
	Target  string    `json:"target,omitempty"`
	Command string    `json:"command,omitempty"`
	Seed    string    `json:"seed"` // hexadecimal: a JSON number would lose digits
	Commit  string    `json:"commit,omitempty"`
	Report  string    `json:"report,omitempty"`
	Start   time.Time `json:"start"`
	Seconds float64   `json:"seconds"`
	Lives   int64     `json:"lives"`
	Rate    float64   `json:"rate"` // peers a second that the severity is told for
}

// Leak is one leak, told once, with what all detectors know of it.
type Leak struct {
	Class       Class  `json:"class"`
	Fingerprint string `json:"fingerprint"` // the same in every run that finds this leak
	Type        string `json:"type,omitempty"`
	Born        Site   `json:"born,omitzero"`
	Path        []Edge `json:"path,omitempty"`
	Stored      Site   `json:"stored,omitzero"`
	Caller      Site   `json:"caller,omitzero"`
	Field       string `json:"field,omitempty"`

	Count  int64       `json:"count"`            // retained
	Peers  int64       `json:"peers"`            // put through the scenarios it comes from, or all
	Grew   int         `json:"grew,omitempty"`   // cycles in which it grew
	Cycles int         `json:"cycles,omitempty"` // cycles in which it could have
	Source Attribution `json:"source"`

	Bytes        int64   `json:"bytes,omitempty"` // in this run
	BytesPerPeer float64 `json:"bytesPerPeer,omitempty"`
	BytesPerDay  float64 `json:"bytesPerDay,omitempty"`
	CountPerDay  float64 `json:"countPerDay"`

	Evidence []Evidence `json:"evidence"`
	Clean    []string   `json:"clean,omitempty"` // detectors that looked and saw nothing of it
	Why      string     `json:"why,omitempty"`   // it is doubtful, or known no longer
	Do       string     `json:"do,omitempty"`
}

// Evidence is what one detector saw of a leak: the finding as it came.
type Evidence struct {
	Finding
	Principal bool `json:"principal,omitempty"` // the leak is told in its words
}

// Known is a leak that a rule allows.
type Known struct {
	Leak Leak `json:"leak"`
	Rule Rule `json:"rule"`
}

// Attribution says whose peers are leaked.
type Attribution struct {
	Solved bool     `json:"solved"`
	Shares []Share  `json:"shares,omitempty"` // by scenario, in the order of the run
	Every  bool     `json:"every,omitempty"`  // all scenarios alike
	But    []string `json:"but,omitempty"`    // most scenarios alike, but not these
	Fixed  bool     `json:"fixed,omitempty"`  // the same in each cycle, however many the peers
	Or     []string `json:"or,omitempty"`     // explains it as well: the doses do not tell them apart

	PerPeer float64 `json:"perPeer"` // of the scenarios in Shares, or of all
}

// Share is how much one scenario leaks.
type Share struct {
	Scenario string  `json:"scenario"`
	PerPeer  float64 `json:"perPeer"`
}

// Sensitivity is the smallest leak that the run could not have missed.
type Sensitivity struct {
	Known     bool    `json:"known"`
	Detector  string  `json:"detector,omitempty"` // the one that needs the most peers
	Unit      string  `json:"unit,omitempty"`
	Peers     float64 `json:"peers,omitempty"` // one in so many of any scenario is seen with 99 %
	Detectors []Power `json:"detectors,omitempty"`
}

// Power is the sensitivity of one detector.
type Power struct {
	Detector string  `json:"detector"`
	Unit     string  `json:"unit"`
	Peers    float64 `json:"peers"`
}
