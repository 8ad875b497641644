package verdict

import (
	"cmp"
	"fmt"
	"math"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Coverage states which code of the target ran. A leak in code that did not run cannot be
// seen, so a run that found nothing says nothing about that code. Package cover makes it.
type Coverage struct {
	Packages []Covered `json:"packages,omitempty"`
	Missed   []Missed  `json:"missed,omitempty"` // the ones with releases first

	Why string `json:"why,omitempty"` // why it was not measured
	Do  string `json:"do,omitempty"`  // what measures it
}

// Covered is how many statements of a package ran.
type Covered struct {
	Package    string `json:"package"` // path within its module
	Statements int    `json:"statements"`
	Ran        int    `json:"ran"`
}

// Missed is a range of lines of one function that did not run.
type Missed struct {
	Site              // the function, and the first line
	To         int    `json:"to"` // the last line
	Statements int    `json:"statements"`
	Whole      bool   `json:"whole,omitempty"` // no statement of the function ran
	Why        string `json:"why,omitempty"`   // the reason why it cannot run, if the caller knows it

	Releases []string `json:"releases,omitempty"` // statements among them that release something
}

// Percent returns the share of the statements that ran, rounded down to a tenth: 100 means
// all of them.
func (c Covered) Percent() float64 {
	if c.Statements == 0 {
		return 100
	}
	return math.Floor(1000*float64(c.Ran)/float64(c.Statements)) / 10
}

// String returns "97.3 % of hub".
func (c Covered) String() string {
	return fmt.Sprintf("%s %% of %s", units.Number(c.Percent()), c.Package)
}

// Lines returns file:from-to.
func (m Missed) Lines() string {
	if m.To <= m.Line {
		return m.Place()
	}
	return fmt.Sprintf("%s-%d", m.Place(), m.To)
}

// Compare orders places without a known reason before those with one, then the ones with
// releases first, then by file and line.
func (m Missed) Compare(other Missed) int {
	first := func(b bool) int {
		if b {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(first(m.Why == ""), first(other.Why == "")),
		cmp.Compare(first(len(m.Releases) > 0), first(len(other.Releases) > 0)),
		cmp.Compare(m.File, other.File), cmp.Compare(m.Line, other.Line))
}
