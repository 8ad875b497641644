package loadgen

import (
	"context"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func signalProfile() profile {
	return profile{
		word:  "signal",
		about: "pairs of peers exchange offer, answer and ICE candidates at a rate, of the size that browsers send",
		paced: true,
		needs: always(codec.Sends),
		phase: plan.Phase{Peers: 200, Rate: 200, Duration: 20 * time.Second, Networks: 20},
		run: func(ctx context.Context, s *phaseRun) error {
			s.gather(ctx)
			s.awaitDiscovery(ctx)
			s.exchange(ctx)
			s.await(ctx)
			s.depart(ctx, min(s.Rate, gatherRate))
			return nil
		},
	}
}

// partners bounds the members to which one member signals: real peers keep few connections,
// and the ledger holds a flow for each pair.
const partners = 4

// pair is two members of a network.
type pair struct {
	from, to *Peer
	in       *network
}

// pairs returns the pairs of the networks of the phase.
func (s *phaseRun) pairs() (pairs []pair) {
	for _, r := range s.networks {
		members := r.all()
		for i, from := range members {
			for k := 1; k <= min(partners, len(members)-1); k++ {
				pairs = append(pairs, pair{from, members[(i+k)%len(members)], r})
			}
		}
	}
	return pairs
}

// exchange sends offers, which are answered, and a candidate after each.
func (s *phaseRun) exchange(ctx context.Context) {
	pairs := s.pairs()
	s.log.Info("all peers are there", "peers", s.fleet.size(), "pairs", len(pairs))
	if len(pairs) == 0 {
		return
	}
	s.schedule.AddPacedIf(s.pace(s.Rate, placeMessage), s.actions(), s.share.has, func(_ context.Context, i int, t schedule.Tick) {
		p := pairs[schedule.Mix(s.seed, placeMessage, uint64(i))%uint64(len(pairs))]
		r := p.from.in()
		// A message that cannot be sent is not counted: the connection has ended.
		if p.from.signal(wire.KindOffer, p.to.id, r.name, t) == nil {
			_ = p.from.signal(wire.KindICECandidate, p.to.id, r.name, t)
		}
	})
	s.schedule.Run(ctx)
}
