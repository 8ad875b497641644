package loadgen

import (
	"context"
	"fmt"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func fanoutProfile() profile {
	return profile{
		word:  "fanout",
		about: "one big network: each member must hear of all others, and of the half that leaves",
		needs: always(codec.NotifiesMembers),
		whole: true,
		phase: plan.Phase{Peers: 500, Rate: 50, Networks: 1, Params: map[string]string{"patience": "30s"}},
		check: func(f *plan.Phase) error {
			if f.Peers < 2 || f.Peers > maxFanout || f.Networks != 1 {
				return fmt.Errorf("fanout: it needs one network of 2 to %d peers", maxFanout)
			}
			return plan.Durations("patience")(f)
		},
		run: func(ctx context.Context, s *phaseRun) error {
			s.fanout(ctx)
			return nil
		},
	}
}

// maxFanout bounds the memory of the visibility to 100 MB.
const maxFanout = 20_000

// fanout builds the network, lets half of it leave, and counts which members heard of it.
func (s *phaseRun) fanout(ctx context.Context) {
	var ids []wire.PeerID
	for i := range s.Peers {
		ids = append(ids, schedule.PeerID(s.seed, placePeer, uint64(i)))
	}
	patience, _ := s.DurationOf("patience") // checked with the plan
	a := newVisibility(s.networks[0].name, ids)
	s.watch = a.hear
	s.arrive(placePeer, s.Peers, func(int) scenario { return hold })
	s.schedule.Run(ctx)
	last, members := time.Now(), s.fleet.peers()
	s.complete(ctx, "discoveries", last, patience, func() (int, int) { return a.heard(a.joined, idsOf(members), idsOf(members)) })

	leavers, rest := members[:len(members)/2], members[len(members)/2:]
	s.schedule.AddPaced(s.pace(s.Rate, placeLeave), len(leavers), func(_ context.Context, i int, t schedule.Tick) { leavers[i].leave(LeavePolite, t) })
	s.schedule.Run(ctx)
	last = time.Now()
	s.complete(ctx, "leave notices", last, patience, func() (int, int) { return a.heard(a.gone, idsOf(rest), idsOf(leavers)) })
	s.strangers(a)
}

// complete waits until all members have heard, and notes how many have and how long it
// took.
func (s *phaseRun) complete(ctx context.Context, what string, since time.Time, patience time.Duration, count func() (heard, pairs int)) {
	waitFor(ctx, patience, func() bool { heard, pairs := count(); return heard == pairs })
	took := time.Since(since)
	heard, pairs := count()
	s.count(what+" heard", heard, fmt.Sprintf("of %d", pairs))
	if heard == pairs {
		s.took(what+": complete after the last", took)
		return
	}
	s.evidence.Doubts = append(s.evidence.Doubts, verdict.Reason{About: "fanout", Do: "find out which members get no notice: the target loses notices, or is too slow for the rate",
		What: fmt.Sprintf("of %d %s that were due %d were missing %s later", pairs, what, pairs-heard, units.Duration(took))})
}

// strangers notes the wrong discoveries.
func (s *phaseRun) strangers(a *visibility) {
	again, wrong := a.counts()
	s.count("discoveries of known members", again, "")
	if wrong > 0 {
		s.evidence.Failures = append(s.evidence.Failures, verdict.Reason{About: "fanout", Do: "look at how the target finds the members to notify",
			What: fmt.Sprintf("members were notified %d times of peers that are not in their network", wrong)})
	}
}

func idsOf(peers []*Peer) []wire.PeerID {
	var list []wire.PeerID
	for _, p := range peers {
		list = append(list, p.id)
	}
	return list
}
