package loadgen

import (
	"context"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func rampProfile() profile {
	return profile{
		word:  "ramp",
		about: "peers arrive at a rate, stay, and leave at the same rate",
		paced: true,
		phase: plan.Phase{Peers: 1000, Rate: 200, Duration: 10 * time.Second, Networks: 100},
		run: func(ctx context.Context, s *phaseRun) error {
			s.arrive(placePeer, s.Peers, func(int) scenario { return hold })
			s.schedule.Run(ctx)
			s.log.Info("all peers are there", "peers", s.fleet.size())
			pause(ctx, s.Duration)
			s.depart(ctx, s.Rate)
			return nil
		},
	}
}
