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
		about: "hours of steady load and the leak verdict: peers of all scenarios, in ever longer blocks with as long a rest after each, until the time is up or a leak is sure",
		phase: plan.Phase{Peers: 650, Rate: 100, Duration: time.Hour, Networks: 50, Params: map[string]string{
			"stay": "5s", "vanish": "5s", "confirm": "1m"}},
		check: func(f *plan.Phase) error {
			if least := len(soakScenarios(f)) * minDose; f.Peers < least || f.Peers > maxBlockPeers {
				return fmt.Errorf("soak: peers, which are those of the first block, is %d, must be %d to %d", f.Peers, least, maxBlockPeers)
			}
			if pairs := soakPairs(f); pairs < minPairs {
				return fmt.Errorf("soak: in %s there is time for %d pairs of blocks, must be at least %d", f.Duration, pairs, minPairs)
			}
			return plan.Durations("stay", "vanish", "confirm")(f)
		},
		stay:       stays("stay", "vanish"),
		experiment: true,
		run:        func(ctx context.Context, s *phaseRun) error { return newSoak(s).run(ctx) },
	}
}

// Blocks grow, and have a bound: then a run of a month has some thousand blocks, of
// which a few readings are kept, and how much that is hardly depends on the duration.
const (
	pairsOfASize  = 8 // and then eight of twice the size
	maxBlock      = 30 * time.Minute
	maxBlockPeers = 200_000
	blockOverhead = 2 * time.Second // about, of each, for the target to come to rest
)

// newSoak is an experiment that goes on when it is sure that there is no leak: the
// longer it goes on, the smaller the leak that it can exclude.
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

// soakSizes are how many peers blocks have, each for eight pairs.
func soakSizes(f *plan.Phase) []int {
	most := max(f.Peers, min(maxBlockPeers, int(f.Rate*maxBlock.Seconds())))
	var sizes []int
	for n, left := f.Peers, f.Duration; left > 0; n = min(2*n, most) {
		sizes = append(sizes, n)
		left -= pairsOfASize * pairTime(f, n)
	}
	return sizes
}

// soakPairs is how many pairs of the first size there is time for.
func soakPairs(f *plan.Phase) int { return int(f.Duration / pairTime(f, f.Peers)) }

// pairTime is about how long a pair of blocks takes, with so many peers.
func pairTime(f *plan.Phase, peers int) time.Duration {
	return 2*time.Duration(float64(peers)/f.Rate*float64(time.Second)) + stays("stay", "vanish")(f) + 2*blockOverhead
}

// total is how many peers a cycle has.
func total(c verdict.Cycle) (n int64) {
	for _, dose := range c.Doses {
		n += dose
	}
	return n
}

// soakScenarios are those of check, and one of peers that talk as long as they are
// there.
func soakScenarios(f *plan.Phase) []scenario {
	stay, _ := f.DurationOf("stay") // checked with the plan
	steady := scenario{name: "steady", needs: codec.Capabilities{codec.Relays, codec.Pings}, steps: []step{{0, announce}}}
	for i := 1; i < talks; i++ {
		steady.steps = append(steady.steps, step{stay * time.Duration(i) / talks, talkOn})
	}
	steady.steps = append(steady.steps, step{stay, leaving(LeavePolite)})
	return append(checkScenarios(f), steady)
}

// talks is in how many parts a steady peer talks.
const talks = 5
