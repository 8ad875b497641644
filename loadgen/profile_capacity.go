package loadgen

import (
	"context"
	"fmt"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// The values of the parameter find.
const (
	findBoth     = "both"
	findPeers    = "peers"
	findMessages = "messages"
)

func capacityProfile() profile {
	return profile{
		word:  "capacity",
		about: "how many peers, and then how many messages a second, the target holds before a limit breaks: the load doubles, and is then bisected; --peers, --rate (messages) and --duration bound the search",
		needs: always(codec.Sends),
		phase: plan.Phase{Peers: 20_000, Rate: 20_000, Duration: 6 * time.Minute, Networks: 2000, Params: map[string]string{
			"find": findBoth, "first": "100", "hold": "5s", "within": "10", "arrive": "500", "senders": "200", "trickle": "50", limitsParam: ""}},
		check:     checkCapacity,
		whole:     true,
		elastic:   true,
		overloads: true,
		run: func(ctx context.Context, s *phaseRun) error {
			c, err := newCapacity(s)
			if err == nil {
				c.run(ctx)
			}
			return err
		},
	}
}

// leastHold is the least time of a level in which something can be measured.
const leastHold = 100 * time.Millisecond

func checkCapacity(f *plan.Phase) error {
	for _, p := range []struct {
		name      string
		low, high int
	}{{"first", 1, plan.MaxPeers}, {"within", 1, 50}, {"arrive", 1, plan.MaxRate}, {"senders", 2, plan.MaxPeers}, {"trickle", 1, plan.MaxRate}} {
		if _, err := f.IntOf(p.name, p.low, p.high); err != nil {
			return err
		}
	}
	switch find := f.Params["find"]; {
	case find != findBoth && find != findPeers && find != findMessages:
		return fmt.Errorf("capacity: find is %q, must be %s, %s or %s", find, findBoth, findPeers, findMessages)
	case f.Peers < 2 || f.Rate < 1:
		return fmt.Errorf("capacity: peers is %d and rate %g, must be at least 2 and 1", f.Peers, f.Rate)
	}
	if limits := f.Params[limitsParam]; limits != "" {
		if _, err := parseLimits(limits); err != nil {
			return err
		}
	}
	if hold, err := f.DurationOf("hold"); err != nil || hold < leastHold {
		return fmt.Errorf("capacity: hold is %q, must be a duration from %s to 1h", f.Params["hold"], leastHold)
	}
	return nil
}
