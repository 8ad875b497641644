package loadgen

import (
	"context"
	"slices"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func churnProfile() profile {
	return profile{
		word:  "churn",
		about: "peers arrive at a rate, announce, stay a moment and leave: polite, goodbye, rst, vanish, early, or mixed",
		paced: true,
		phase: plan.Phase{Peers: 5000, Rate: 200, Networks: 50, Params: map[string]string{"leave": mixed, "stay": "500ms", "vanish": "3s"}},
		check: func(f *plan.Phase) error {
			if _, err := parseLeaves(f.Params["leave"]); err != nil {
				return err
			}
			return plan.Durations("stay", "vanish")(f)
		},
		needs: func(f *plan.Phase) codec.Capabilities {
			if leaves, _ := parseLeaves(f.Params["leave"]); len(leaves) == 1 {
				return leaves[0].needs()
			}
			return nil // without what the codec lacks there are enough ways left
		},
		stay: stays("stay", "vanish"),
		run: func(ctx context.Context, s *phaseRun) error {
			leaves, err := parseLeaves(s.Params["leave"])
			if err != nil {
				return err
			}
			leaves = slices.DeleteFunc(leaves, func(l Leave) bool { return s.leftOut(l.String(), l.needs()) })
			s.arrive(placePeer, s.Peers, func(i int) scenario { return s.churn(leaves[i%len(leaves)]) })
			s.schedule.Run(ctx)
			return nil
		},
	}
}

// churn returns the scenario of a peer that leaves in a way.
func (s *phaseRun) churn(how Leave) scenario {
	stay, _ := s.DurationOf("stay") // checked with the plan
	vanish, _ := s.DurationOf("vanish")
	switch how {
	case LeaveEarly:
		return scenario{name: how.String(), steps: []step{{0, early}}}
	case LeaveVanish, LeaveGoodbye: // the connection stays open and is reset later
		return scenario{name: how.String(), steps: []step{{0, announce}, {stay, leaving(how)}, {stay + vanish, end}}}
	default:
		return scenario{name: how.String(), steps: []step{{0, announce}, {stay, leaving(how)}}}
	}
}
