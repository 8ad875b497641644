package loadgen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func residentsProfile() profile {
	return profile{
		word:  "residents",
		about: "the leak verdict for peers that stay: they listen while visitors enter and leave their network, and what the target collects for them is a leak",
		phase: plan.Phase{Peers: 2400, Rate: 200, Duration: 3 * time.Minute, Networks: 2, Params: map[string]string{
			residentsParam: "8", "stay": "160ms", "confirm": "20s",
		}},
		check: func(f *plan.Phase) error {
			switch n, err := f.IntOf(residentsParam, 1, maxResidents); {
			case err != nil:
				return err
			case f.Peers < residentPairs*minDose:
				return fmt.Errorf("residents: peers, which are the visitors, is %d, must be at least %d", f.Peers, residentPairs*minDose)
			case f.Peers+n > plan.MaxPeers:
				return fmt.Errorf("residents: peers is %d, must be at most %d with %d residents", f.Peers, plan.MaxPeers-n, n)
			case f.Duration == 0:
				return errors.New("residents: duration, which bounds the experiment, is 0")
			case f.Networks < 2:
				return fmt.Errorf("residents: networks is %d, must be at least 2: that of the residents, and one into which visitors go from there", f.Networks)
			}
			return plan.Durations("stay", "confirm")(f)
		},
		stay:       stays("stay"),
		experiment: true,
		run:        func(ctx context.Context, s *phaseRun) error { return newResidency(s, nil).run(ctx) },
	}
}

// residentsParam is the parameter with the number of residents. In a check 0 means none.
const residentsParam = "residents"

// maxResidents bounds the residents: each notice goes to all of them.
const maxResidents = 10_000

// entries is how often a visitor enters the network of the residents.
const entries = 4

// visitor returns the scenario of a peer that enters and leaves the network of the residents
// several times, and sends an offer to one of its members.
func (s *phaseRun) visitor() scenario {
	stay, _ := s.DurationOf("stay") // checked with the plan
	v := scenario{name: "visitor"}
	if !codec.NamesNetworks.In(s.fleet.codec) {
		v.steps = []step{{0, announce}, {stay / 2, offer}, {stay, leaving(LeavePolite)}}
		return v
	}
	const moves = 2*entries - 1
	for i := range moves {
		v.steps = append(v.steps, step{stay * time.Duration(i) / moves, moveTo(i % 2)})
	}
	v.steps = append(v.steps, step{stay, offer}, step{stay, leaving(LeavePolite)})
	return v
}
