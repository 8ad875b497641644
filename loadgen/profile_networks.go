package loadgen

import (
	"context"
	"errors"
	"strings"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
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

// Bytes of the name of a network of a peer's own: what makes it unique, and what a
// message may have.
const (
	minName = 100
	maxName = 900_000
)

// largeName makes a name that is plain to see in the memory of a hub that keeps it.
var largeName = strings.Repeat("x", 16<<10)

// enterOwn enters a network of the peer's own, whose name ends so. The target may
// refuse a long name.
func enterOwn(suffix string) func(context.Context, *life, schedule.Tick) error {
	return func(_ context.Context, l *life, t schedule.Tick) error {
		if suffix != "" {
			l.peer.excuse()
		}
		return l.peer.announce(l.own(suffix), t)
	}
}

// moveOn goes to a network that others are in, too, unless the target was free to end
// the connection and did: who forgets to leave the one before keeps its name.
func moveOn(_ context.Context, l *life, t schedule.Tick) error {
	if err := l.peer.announce(l.phaseRun.drawNetwork(l.rng), t); err != nil && !l.peer.isOver() && !errors.Is(err, errLeft) {
		return err
	}
	return nil
}

// leavingIfThere leaves, unless the target was free to end the connection and did.
func leavingIfThere(ctx context.Context, l *life, t schedule.Tick) error {
	if l.peer.isOver() {
		return nil
	}
	return leaving(LeavePolite)(ctx, l, t)
}
