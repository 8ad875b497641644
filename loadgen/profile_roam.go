package loadgen

import (
	"context"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func roamProfile() profile {
	return profile{
		word:  "roam",
		about: "peers announce again and again, each time into another network, without leaving the one before",
		needs: always(codec.NamesNetworks),
		phase: plan.Phase{Peers: 2000, Rate: 100, Networks: 20, Params: map[string]string{"moves": "4", "stay": "500ms"}},
		check: func(f *plan.Phase) error {
			if _, err := f.IntOf("moves", 1, maxMoves); err != nil {
				return err
			}
			return plan.Durations("stay")(f)
		},
		stay: repeated("moves"),
		run: func(ctx context.Context, s *phaseRun) error {
			s.arrive(placePeer, s.Peers, func(i int) scenario { return s.roamer(i) })
			s.schedule.Run(ctx)
			return nil
		},
	}
}

// repeated returns a stay that is repeated as often as a parameter says, and once more.
func repeated(often string) func(*plan.Phase) time.Duration {
	return func(f *plan.Phase) time.Duration {
		n, _ := f.IntOf(often, 1, maxMoves) // checked with the plan
		return time.Duration(n+1) * stays("stay")(f)
	}
}

// maxMoves catches typing errors.
const maxMoves = 10_000

// roamer returns the scenario of a peer that moves, every other time into a network of its
// own. A hub must not retain such a network.
func (s *phaseRun) roamer(first int) scenario {
	stay, _ := s.DurationOf("stay") // checked with the plan
	moves, _ := s.IntOf("moves", 1, maxMoves)
	sc := scenario{name: "roam", steps: []step{{0, moveTo(first)}}}
	for m := 1; m <= moves; m++ {
		do := roam
		if m%2 == 0 {
			do = moveTo(first + m)
		}
		sc.steps = append(sc.steps, step{stay * time.Duration(m), do})
	}
	sc.steps = append(sc.steps, step{stay * time.Duration(moves+1), leaving(LeavePolite)})
	return sc
}
