package loadgen

import (
	"context"
	"strings"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func networksProfile() profile {
	return profile{
		word:  "networks",
		about: "each peer enters a network of its own, with a fresh name, stays a moment and leaves",
		needs: always(codec.NamesNetworks),
		phase: plan.Phase{Peers: 5000, Rate: 200, Networks: 1, Params: map[string]string{"stay": "500ms", "name": "100"}},
		check: func(f *plan.Phase) error {
			if _, err := f.IntOf("name", minName, maxName); err != nil {
				return err
			}
			return plan.Durations("stay")(f)
		},
		stay: stays("stay"),
		run: func(ctx context.Context, s *phaseRun) error {
			stay, _ := s.DurationOf("stay") // checked with the plan
			name, _ := s.IntOf("name", minName, maxName)
			fresh := scenario{name: "networks", steps: []step{{0, enterOwn(strings.Repeat("x", name-minName))}, {stay, leavingIfThere}}}
			s.arrive(placePeer, s.Peers, func(int) scenario { return fresh })
			s.schedule.Run(ctx)
			return nil
		},
	}
}

// Bounds of the length of a network name, in bytes: the unique part, and what a message may
// hold.
const (
	minName = 100
	maxName = 900_000
)

// largeName is a suffix that is easy to find in the memory of a hub that retains it.
var largeName = strings.Repeat("x", 16<<10)
