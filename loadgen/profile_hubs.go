package loadgen

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func hubsProfile() profile {
	return profile{
		word:  "hubs",
		about: "peers announce that they are hubs, report peers, announce that they are not hubs, and leave",
		needs: always(codec.AnnouncesHubs, codec.NotifiesMembers),
		phase: plan.Phase{Peers: 1000, Rate: 50, Networks: 10, Params: map[string]string{"flips": "2", "stay": "1s"}},
		check: func(f *plan.Phase) error {
			if _, err := f.IntOf("flips", 1, maxMoves); err != nil {
				return err
			}
			return plan.Durations("stay")(f)
		},
		stay: repeated("flips"),
		run: func(ctx context.Context, s *phaseRun) error {
			return s.claimHubs(ctx)
		},
	}
}

// claimHubs runs the claims. A witness in each network hears whether reported peers are
// announced.
func (s *phaseRun) claimHubs(ctx context.Context) error {
	var heard, notices atomic.Int64
	witness := func(_ *Peer, e codec.Event) bool {
		switch {
		case e.Kind == codec.EventDiscovered && strings.HasPrefix(string(e.Peer), reportedPrefix): // it may be empty
			heard.Add(1)
		case e.Kind == codec.EventDiscovered:
			notices.Add(1)
		}
		return false
	}
	if err := s.witnesses(ctx, witness); err != nil {
		return err
	}
	s.arrive(placePeer, s.Peers, func(int) scenario { return s.flipper() })
	s.schedule.Run(ctx)
	s.count("discoveries of the peers that claim to be hubs", int(notices.Load()), "notices")
	s.count("discoveries of reported peers, which do not exist", int(heard.Load()), "notices")
	return nil
}

// flipper returns the scenario of a peer that announces alternately that it is a hub and
// that it is not.
func (s *phaseRun) flipper() scenario {
	stay, _ := s.DurationOf("stay") // checked with the plan
	flips, _ := s.IntOf("flips", 1, maxMoves)
	sc := scenario{name: "hubs", steps: []step{{0, claim(true)}, {stay / 2, reportPeer}}}
	for i := 1; i <= flips; i++ {
		sc.steps = append(sc.steps, step{stay * time.Duration(i), claim(i%2 == 0)})
	}
	sc.steps = append(sc.steps, step{stay * time.Duration(flips+1), leaving(LeavePolite)})
	return sc
}

// reportedPrefix begins the ids of reported peers, which do not exist.
const reportedPrefix = "feed"

// reportPeer reports a peer that does not exist. A hub that accepts any peer as a hub
// notifies the members of the network.
func reportPeer(_ context.Context, l *life, _ schedule.Tick) error {
	switch {
	case l.peer.isOver():
		return errCut
	case !l.peer.isGreeted():
		return errLater
	}
	f := l.phaseRun.fleet
	return f.send(l.peer, f.codec.(codec.HubAnnouncer).Report(reportedPrefix+l.id[len(reportedPrefix):], l.peer.in().name))
}
