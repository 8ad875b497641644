package loadgen

import (
	"context"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func rampProfile() profile {
	return profile{
		word:  "ramp",
		about: "peers arrive at a rate, stay, and leave at the same rate",
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

// gatherRate is how many peers a second arrive and leave at most where the rate is that
// of something else: they are not what such a profile measures.
const gatherRate = 500

// gather has all peers arrive, to stay.
func (s *phaseRun) gather(ctx context.Context) {
	s.arriveAt(min(s.Rate, gatherRate), placePeer, s.Peers, func(int) scenario { return hold })
	s.schedule.Run(ctx)
}

// depart has all peers leave politely, at a rate.
func (s *phaseRun) depart(ctx context.Context, rate float64) {
	peers := s.fleet.peers()
	s.schedule.AddPaced(s.pace(s.share.rate(rate), placeLeave), len(peers), func(_ context.Context, i int, t schedule.Tick) {
		peers[i].leave(LeavePolite, t)
	})
	s.schedule.Run(ctx)
}
