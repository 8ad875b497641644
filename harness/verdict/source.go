package verdict

import (
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// String says where a leak comes from: "scenario rst", "rst and vanish", "every
// scenario". It is empty where that is not known.
func (a Attribution) String() string {
	switch s := a.phrase(); {
	case !a.Solved:
		return ""
	case a.Fixed, a.Every, len(a.But) > 0:
		return s + a.others()
	case len(a.Shares) == 1:
		return "scenario " + s + a.others()
	default:
		return s + a.others()
	}
}

func (a Attribution) others() string {
	if len(a.Or) == 0 {
		return ""
	}
	return " (or " + strings.Join(a.Or, ", or ") + ")"
}

// scenarios is String without the word in front.
func (a Attribution) phrase() string {
	switch {
	case a.Fixed:
		return "each cycle alike, however many the peers"
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

// certain reports whether the source is known and no other explains it as well.
func (a Attribution) certain() bool { return a.Solved && len(a.Or) == 0 }

// sameSource reports whether two attributions blame the same scenarios.
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

// told returns the attribution of a finding whose detector knows the scenarios.
func told(r *Run, c *clue) Attribution {
	a := Attribution{Solved: true, Every: len(r.Scenarios) > 1}
	leaked, peers := 0.0, 0.0
	for _, s := range r.Scenarios {
		n := c.PerScenario[s.Name]
		if n <= 0 {
			a.Every = false
			continue
		}
		landed := float64(max(1, r.peers(s)))
		if c.peers > 0 && len(c.PerScenario) == 1 {
			landed = float64(c.peers)
		}
		a.Shares = append(a.Shares, Share{s.Name, float64(n) / landed})
		leaked, peers = leaked+float64(n), peers+landed
	}
	if len(a.Shares) == 0 {
		return Attribution{}
	}
	a.PerPeer = leaked / peers
	if len(a.Shares) < len(r.Scenarios) && 2*len(a.Shares) > len(r.Scenarios) {
		for _, s := range r.Scenarios {
			if c.PerScenario[s.Name] <= 0 {
				a.But = append(a.But, s.Name)
			}
		}
	}
	return a
}

// peers returns how many went through a scenario while somebody counted: a warm-up
// is before the first cycle.
func (r *Run) peers(s Scenario) (n int64) {
	for _, c := range r.Cycles {
		n += c.Doses[s.Name]
	}
	if n > 0 {
		return n
	}
	return s.Landed
}
