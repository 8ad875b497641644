package verdict

import "time"

// Outcome is the verdict in one word.
type Outcome string

// The outcomes. None is the outcome of a trend only.
const (
	Untested     Outcome = "untested" // the load is done, and no detector looked for leaks
	Pass         Outcome = "pass"
	Leaking      Outcome = "leak"
	Inconclusive Outcome = "inconclusive"
	Invalid      Outcome = "invalid" // the run proves nothing; Verdict.Invalid has the reasons
	Failed       Outcome = "failed"  // the target failed, in another way than by a leak
	None         Outcome = "none"    // nothing of the size that matters is retained
)

// ExitCode returns the exit status of a command with this outcome.
func (o Outcome) ExitCode() int {
	switch o {
	case Pass, Untested, None:
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

// Verdict is the result of Judge, with everything that a report needs.
type Verdict struct {
	Schema  int     `json:"schema"`
	Outcome Outcome `json:"outcome"`
	Run     About   `json:"run"`

	Failures []Reason `json:"failures,omitempty"` // what the target did wrong beside leaking
	Invalid  []Reason `json:"invalid,omitempty"`  // why the run proves nothing
	Doubts   []Reason `json:"doubts,omitempty"`   // why the run does not pass although there is no leak

	Leaks    []Leak  `json:"leaks,omitempty"`    // worst first
	Known    []Known `json:"known,omitempty"`    // leaks that a rule allows until it expires
	Doubtful []Leak  `json:"doubtful,omitempty"` // growth that may be a leak

	Thresholds []Threshold `json:"thresholds,omitempty"` // evaluated by the caller

	NotLeaking  []string    `json:"notLeaking"` // scenarios that were tested and do not leak
	Sensitivity Sensitivity `json:"sensitivity"`

	Scenarios []Scenario `json:"scenarios,omitempty"`
	Cycles    []Cycle    `json:"cycles,omitempty"`
	Detectors []Detector `json:"detectors,omitempty"`
	Controls  []Control  `json:"controls,omitempty"`
	Trends    []Trend    `json:"trends,omitempty"`
	Series    []Series   `json:"series,omitempty"`
	Coverage  *Coverage  `json:"coverage,omitempty"`
}

// About identifies a run and says how to repeat it.
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
	Rate    float64   `json:"rate"` // peers a second that severities are computed for
}

// Leak is one leak, with what all detectors know about it.
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
	Peers  int64       `json:"peers"`            // that went through its scenarios, or through all if those are not known
	Grew   int         `json:"grew,omitempty"`   // cycles in which it grew
	Cycles int         `json:"cycles,omitempty"` // cycles in which it could have
	Source Attribution `json:"source"`
	Unit   string      `json:"unit,omitempty"` // of Peers, if those are no peers: see Scenario.Unit

	Bytes        int64   `json:"bytes,omitempty"` // retained in this run
	BytesPerPeer float64 `json:"bytesPerPeer,omitempty"`
	BytesPerDay  float64 `json:"bytesPerDay,omitempty"`
	CountPerDay  float64 `json:"countPerDay"`

	Evidence []Evidence `json:"evidence"`
	Clean    []string   `json:"clean,omitempty"` // detectors that looked and did not see it
	Why      string     `json:"why,omitempty"`   // why it is doubtful, or no longer allowed
	Do       string     `json:"do,omitempty"`
}

// Evidence is the finding of one detector about a leak, unchanged.
type Evidence struct {
	Finding
	Principal bool `json:"principal,omitempty"` // it names the leak
}

// Known is a leak that a rule allows.
type Known struct {
	Leak Leak `json:"leak"`
	Rule Rule `json:"rule"`
}

// Attribution says from which scenarios a leak comes.
type Attribution struct {
	Solved bool     `json:"solved"`           // whether the scenarios are known
	Shares []Share  `json:"shares,omitempty"` // by scenario, in the order of the run
	Every  bool     `json:"every,omitempty"`  // all scenarios alike
	But    []string `json:"but,omitempty"`    // most scenarios alike, but not these
	Fixed  bool     `json:"fixed,omitempty"`  // no scenario: as much in each cycle, whatever the doses
	Or     []string `json:"or,omitempty"`     // other scenarios that explain the counts equally well

	PerPeer float64 `json:"perPeer"` // over the scenarios in Shares, or over all
}

// Share is how much one scenario leaks.
type Share struct {
	Scenario string  `json:"scenario"`
	PerPeer  float64 `json:"perPeer"`
}

// Sensitivity is the smallest leak that the run would have seen with 99 %.
type Sensitivity struct {
	Known     bool    `json:"known"`
	Detector  string  `json:"detector,omitempty"` // the one that needs the most peers
	Unit      string  `json:"unit,omitempty"`
	Peers     float64 `json:"peers,omitempty"` // a leak of one in so many peers of any scenario is seen
	Detectors []Power `json:"detectors,omitempty"`
}

// Power is the sensitivity of one detector.
type Power struct {
	Detector string  `json:"detector"`
	Unit     string  `json:"unit"`
	Peers    float64 `json:"peers"`
}
