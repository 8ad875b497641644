package loadgen

import (
	"context"
	"fmt"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func soakProfile() profile {
	return profile{
		word:  "soak",
		about: "hours of steady load and the leak verdict: peers of all scenarios, in ever longer blocks with as long a rest after each, until the time is up or a leak is certain",
		phase: plan.Phase{Peers: 650, Rate: 100, Duration: time.Hour, Networks: 50, Params: map[string]string{
			"stay": "5s", "vanish": "5s", "confirm": "1m"}},
		check: func(f *plan.Phase) error {
			if least := len(soakScenarios(f)) * minDose; f.Peers < least || f.Peers > maxBlockPeers {
				return fmt.Errorf("soak: peers, which are those of the first block, is %d, must be %d to %d", f.Peers, least, maxBlockPeers)
			}
			if least := leastSoak(f); f.Duration < least {
				return fmt.Errorf("soak: duration is %s, must be at least %s for a warm-up and %d pairs of blocks of %d peers at %g a second: --duration %s, or a higher --rate",
					f.Duration, least, minPairs, f.Peers, f.Rate, least)
			}
			return plan.Durations("stay", "vanish", "confirm")(f)
		},
		stay:       stays("stay", "vanish"),
		experiment: true,
		run:        func(ctx context.Context, s *phaseRun) error { return newSoak(s).run(ctx) },
	}
}

// Blocks grow up to a bound. A run of a month then has about a thousand blocks, and a few
// readings of each are kept.
const (
	pairsOfASize  = 8 // then the size doubles
	maxBlock      = 30 * time.Minute
	maxBlockPeers = 200_000
	blockOverhead = 2 * time.Second // about the time in which the target settles
)

// newSoak returns an experiment that goes on when no series leaks: the longer it runs, the
// smaller the leak that it can exclude.
func newSoak(s *phaseRun) *experiment {
	e := &experiment{phaseRun: s, scenarios: s.possible(soakScenarios(&s.Phase)), rng: s.stream(placeExperiment), pairs: minPairs, lasting: true}
	var names []string
	for _, sc := range e.scenarios {
		names = append(names, sc.name)
	}
	for _, n := range soakSizes(&s.Phase) {
		e.planned = append(e.planned, verdict.Doses(names, pairsOfASize, func(string) int { return n / len(names) }, schedule.Mix(s.seed, uint64(n)))...)
	}
	for k, left := 0, s.Duration; k < len(e.planned) && left > 0; k++ {
		e.lives += total(e.planned[k])
		left -= pairTime(&s.Phase, int(total(e.planned[k])))
	}
	e.planned = append(e.planned, e.planned[0]) // the warm-up
	return e
}

// soakSizes returns how many peers the blocks have, each size for eight pairs. There are
// enough for the fastest target, which settles at once: the time ends the soak, not the
// list.
func soakSizes(f *plan.Phase) []int {
	most := max(f.Peers, min(maxBlockPeers, int(f.Rate*maxBlock.Seconds())))
	var sizes []int
	for n, left := f.Peers, f.Duration; left > 0; n = min(2*n, most) {
		sizes = append(sizes, n)
		left -= pairsOfASize * sendTime(f, n)
	}
	return sizes
}

// leastSoak returns the least duration of a soak that can decide, in whole seconds: the least
// number of pairs of the first size, and a warm-up that is as long as a pair.
func leastSoak(f *plan.Phase) time.Duration {
	return ((minPairs + 1) * pairTime(f, f.Peers)).Truncate(time.Second) + time.Second
}

// pairTime returns about how long a pair of blocks takes.
func pairTime(f *plan.Phase, peers int) time.Duration {
	return sendTime(f, peers) + stays("stay", "vanish")(f) + 2*blockOverhead
}

// sendTime returns how long the peers of a pair of blocks keep coming, and the rest after
// them: no pair takes less.
func sendTime(f *plan.Phase, peers int) time.Duration {
	return 2 * time.Duration(float64(peers)/f.Rate*float64(time.Second))
}

// total returns the number of peers of a cycle.
func total(c verdict.Cycle) (n int64) {
	for _, dose := range c.Doses {
		n += dose
	}
	return n
}

// soakScenarios returns those of check, and one of peers that send messages all the time.
func soakScenarios(f *plan.Phase) []scenario {
	stay, _ := f.DurationOf("stay") // checked with the plan
	steady := scenario{name: "steady", needs: codec.Capabilities{codec.Relays, codec.Pings}, steps: []step{{0, announce}}}
	for i := 1; i < talks; i++ {
		steady.steps = append(steady.steps, step{stay * time.Duration(i) / talks, talkOn})
	}
	steady.steps = append(steady.steps, step{stay, leaving(LeavePolite)})
	return append(checkScenarios(f), steady)
}

// talks is the number of times that a steady peer sends, and one more.
const talks = 5
