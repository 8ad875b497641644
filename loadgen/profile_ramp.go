package loadgen

import (
	"context"
	"time"
)

func rampProfile() profile {
	return profile{
		word:  "ramp",
		about: "peers arrive at a rate, stay, and leave at the same rate",
		phase: Phase{Peers: 1000, Rate: 200, Duration: 10 * time.Second, Networks: 100},
		run: func(ctx context.Context, s *stage) error {
			s.arrive('a', s.Peers, func(int) scenario { return hold })
			s.agenda.run(ctx)
			s.log.Info("all peers are there", "peers", s.fleet.size())
			pause(ctx, s.Duration)
			s.depart(ctx)
			return nil
		},
	}
}

// depart has all peers leave politely, at the rate of the stage.
func (s *stage) depart(ctx context.Context) {
	peers := s.fleet.peers()
	s.agenda.paced(s.pace(s.Rate, 'd'), len(peers), func(_ context.Context, i int, t Tick) {
		peers[i].leave(LeavePolite, t)
	})
	s.agenda.run(ctx)
}
