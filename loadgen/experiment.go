package loadgen

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// experiment measures what a target retains of peers that have left. A pair of blocks is
// one in which peers of all scenarios come and go (on), and one without peers (off), in
// random order. At the end of each block no peer is connected, the target settles and is
// read. What grows anyway grows in both blocks and cancels out. The dose of each scenario
// differs from block to block, so that the growth shows which scenario it comes from.
type experiment struct {
	*phaseRun
	scenarios []scenario
	pairs     int             // at least
	planned   []verdict.Cycle // doses of each pair; the last ones are also those of the warm-up
	usual     int             // pairs of a check; the later ones are for what may fill to a bound
	lasting   bool            // a soak: it goes on although each series is decided
	lives     int64           // peers in all, as planned
	cycles    []verdict.Cycle // doses that landed
	rng       *rand.Rand

	peak    reading  // the highest, with a crowd connected; nil without one
	seen    int      // peers of the crowd
	sighted []string // counts that rose by half of it at least
	first   reading  // before the warm-up
	rest    reading  // the last one at rest; a series that could not be read is missing
	known   reading  // of each series the last value at rest
	sites   *sites   // after the warm-up; nil if the target has none
	blocks  []block
	trends  []verdict.Trend
}

// block is a part of the experiment between two readings at rest.
type block struct {
	dose          float64
	before, after reading
	at            time.Duration // of the second reading
}

// longest bounds the number of pairs, as a multiple of the planned ones. Growth that may
// fill to a bound gets further pairs, whose blocks are larger each time: what is full shows
// after so many peers, and not after so many blocks.
const (
	longest    = 3
	furtherOf  = 5 // pairs of a size
	furtherBy  = 4 // times the size before
	furtherFor = 1 << 17
)

func newExperiment(s *phaseRun, scenarios []scenario) *experiment {
	scenarios = s.possible(scenarios)
	e := &experiment{phaseRun: s, scenarios: scenarios, rng: s.stream(placeExperiment), lives: int64(s.Peers)}
	e.pairs, _ = strconv.Atoi(s.Params["pairs"]) // checked with the plan
	names := make([]string, len(scenarios))
	for i, sc := range scenarios {
		names[i] = sc.name
	}
	each := s.Peers / e.pairs / len(scenarios)
	e.planned = verdict.Doses(names, longest*e.pairs, func(string) int { return each }, s.seed)
	e.usual = len(e.planned)
	first := e.planned[e.usual-1]
	for n := each * furtherBy; n*len(names) < furtherFor; n *= furtherBy {
		e.planned = append(e.planned, verdict.Doses(names, furtherOf, func(string) int { return n }, schedule.Mix(s.seed, uint64(n)))...)
	}
	if len(e.planned) > e.usual {
		e.planned = append(e.planned, first) // of the warm-up
	}
	return e
}

// run runs the blocks and adds its findings to the evidence. A target that dies is a
// failure of the target, not an error. The waiting at the end does not count as time of the
// blocks.
func (e *experiment) run(ctx context.Context) error {
	if e.phaseRun.worker != nil {
		return e.follow(ctx)
	}
	if !e.readable(ctx) {
		return nil
	}
	e.runBlocks(ctx)
	if isCutShort(ctx) {
		return nil // what is retained was not confirmed
	}
	if len(e.evidence.Failures) == 0 {
		e.dead(ctx, "at the end of its blocks")
	}
	e.confirm(ctx)
	e.trace(ctx)
	e.advise()
	e.report()
	return nil
}

// readable reports whether something can be read of the target. If not, that is a problem of
// the run.
func (e *experiment) readable(ctx context.Context) bool {
	if len(e.target.probes) > 0 {
		return true
	}
	e.evidence.Problems = append(e.evidence.Problems, verdict.Reason{About: "probes",
		What: "the target cannot be read: it has no /health, /metrics or /debug/pprof page", Do: lookInside(ctx, e.fleet.url)})
	return false
}

// runBlocks runs blocks until each series is decided, or the time is up. When it returns,
// all peers have left.
func (e *experiment) runBlocks(ctx context.Context) {
	defer e.clear()
	ctx, cancel := context.WithTimeout(ctx, e.Duration)
	defer cancel()
	defer e.workers.experiment(e.number)()
	var err error
	if e.first, err = e.target.read(ctx, false); err != nil {
		e.first = reading{} // an incomplete reading would end settling too early
	}
	e.readIdle(ctx)
	e.visit(ctx)
	e.log.Info("warming up", "probes", e.target.names())
	if !e.on(ctx, e.planned[len(e.planned)-1], warmUp) {
		return
	}
	e.sites, _ = e.target.sites(ctx) // without them no place is named
	for k := 0; k < len(e.planned); k = e.next(k) {
		if (e.lasting || k >= e.usual) && !e.fits(ctx, k) || !e.pair(ctx, k) || e.sure() {
			break
		}
		e.log.Info("pair of blocks done", "number", len(e.cycles), "of_at_least", max(len(e.cycles), e.pairs), "peers", e.fleet.lives())
	}
}

// next returns the pair after pair k. A check whose only open question is what may fill to a
// bound goes on with larger blocks at once.
func (e *experiment) next(k int) int {
	if e.lasting {
		return k + 1
	}
	var open, filling int
	for _, t := range e.trends {
		if t.Outcome == verdict.Inconclusive {
			open++
		}
		if t.Filling || t.Saturating {
			filling++
		}
	}
	switch {
	case filling > 0 && filling == open:
		k = max(k, e.usual-1)
	case k+1 == e.usual && filling == 0:
		return len(e.planned)
	}
	if k+1 == len(e.planned)-1 && len(e.planned) > e.usual { // the last one is the warm-up
		return len(e.planned)
	}
	return k + 1
}

// clear closes the peers that a block has left. The messages to them that are under way
// count as explained.
func (e *experiment) clear() {
	e.fleet.closeAll(leavePatience)
	e.fleet.ledger.Settle()
}

// dead reports whether the target has died or stopped answering, and adds that to the
// evidence.
func (e *experiment) dead(ctx context.Context, what string) bool {
	if ctx.Err() != nil {
		return false // an interrupt may have ended the target, too
	}
	err := e.target.alive(ctx)
	if err == nil {
		return false
	}
	e.evidence.Failures = append(e.evidence.Failures, verdict.Reason{About: "target",
		What: fmt.Sprintf("%v, after %d peers (%.160s)", err, e.fleet.lives(), what), Do: "read the log of the target"})
	return true
}

// landed returns how many peers of each scenario took all its steps.
func landed(list []verdict.Scenario) map[string]int64 {
	m := map[string]int64{}
	for _, s := range list {
		m[s.Name] = s.Landed
	}
	return m
}
