package verdict

import (
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// String returns where a leak comes from: "scenario rst", "rst and vanish", "every
// scenario". It returns "" if that is not known.
func (a Attribution) String() string {
	if !a.Solved {
		return ""
	}
	s := a.phrase()
	if len(a.Shares) == 1 && !a.Fixed && !a.Every && len(a.But) == 0 {
		s = "scenario " + s
	}
	if len(a.Or) > 0 {
		s += " (or " + strings.Join(a.Or, ", or ") + ")"
	}
	return s
}

// phrase returns the scenarios without the word in front and without alternatives.
func (a Attribution) phrase() string {
	switch {
	case a.Fixed:
		return "as many in each cycle, whatever the number of peers"
	case a.Every:
		return "every scenario"
	case len(a.But) > 0:
		return "every scenario but " + units.List(a.But)
	}
	return units.List(a.Scenarios())
}

// Scenarios returns the names of the scenarios that leak, in the order of the run.
func (a Attribution) Scenarios() []string {
	names := make([]string, len(a.Shares))
	for i, s := range a.Shares {
		names[i] = s.Scenario
	}
	return names
}

// certain reports whether the scenarios are known and no others explain the counts as well.
func (a Attribution) certain() bool { return a.Solved && len(a.Or) == 0 }

// sameSource reports whether two attributions name the same scenarios.
func sameSource(a, b Attribution) bool {
	return a.Solved == b.Solved && a.Fixed == b.Fixed && slices.Equal(a.Scenarios(), b.Scenarios())
}

// Uniform reports whether every scenario leaks the same number of things per peer.
func (a Attribution) Uniform() bool {
	for _, s := range a.Shares {
		if s.PerPeer != a.Shares[0].PerPeer {
			return false
		}
	}
	return true
}
