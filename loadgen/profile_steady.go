package loadgen

import (
	"context"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func steadyProfile() profile {
	return profile{
		word:  "steady",
		about: "peers arrive and stay; pings at a rate from one or another of them",
		paced: true,
		needs: always(codec.Answers),
		phase: plan.Phase{Peers: 1000, Rate: 200, Duration: 30 * time.Second, Networks: 100},
		run: func(ctx context.Context, s *phaseRun) error {
			s.gather(ctx)
			peers := s.fleet.peers()
			s.log.Info("all peers are there", "peers", len(peers))
			if len(peers) == 0 {
				return nil
			}
			s.schedule.AddPacedIf(s.pace(s.Rate, placePing), s.actions(), s.share.has, func(_ context.Context, i int, t schedule.Tick) {
				p := peers[schedule.Mix(s.seed, placePing, uint64(i))%uint64(len(peers))]
				_ = p.ping(t) // a connection that has ended is counted by its reader
			})
			s.schedule.Run(ctx)
			s.await(ctx)
			s.depart(ctx, min(s.Rate, gatherRate))
			return nil
		},
	}
}
