package loadgen

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// experiment finds out what a target retains of peers that have left. In each pair of
// blocks, one has peers of all scenarios come and go (on) and one has none (off), in
// random order; at the end of each, with nobody connected, the target settles and is
// read. What happens anyway is in both and cancels. The doses of the scenarios differ
// from block to block, so that the growth says whose it is.
type experiment struct {
	*phaseRun
	scenarios []scenario
	pairs     int             // that it takes at least
	planned   []verdict.Cycle // doses of each pair, and last those of the warm-up if it is none of them
	lasting   bool            // it goes on when it is sure that there is no leak
	lives     int64           // peers in all, as planned
	cycles    []verdict.Cycle // that landed
	rng       *rand.Rand

	peak   reading // in the warm-up, with peers connected
	seen   int     // how many they were
	first  reading // before the warm-up
	rest   reading // the last one at rest; what could not be read is missing
	known  reading // of each series the last value at rest
	sites  *sites  // after the warm-up; nil if the target has none
	blocks []block
	trends []verdict.Trend
}

// block is a stretch of the experiment between two readings at rest.
type block struct {
	dose          float64
	before, after reading
	at            time.Duration // of the second reading
}

// longest is how many times the planned pairs it may take to be sure.
const longest = 3

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
	return e
}

// run runs blocks and adds what it found to the run. A target that dies is a failure of
// it, no error. What is asked at the end is not of the time that the blocks may take.
func (e *experiment) run(ctx context.Context) error {
	if e.phaseRun.worker != nil {
		return e.follow(ctx)
	}
	if len(e.target.probes) == 0 {
		e.evidence.Problems = append(e.evidence.Problems, verdict.Reason{About: "probes",
			What: "nothing of the target can be read: it has no /health, /metrics or /debug/pprof page", Do: "name a page with --page, or a local process with --pid"})
		return nil
	}
	e.runBlocks(ctx)
	if len(e.evidence.Failures) == 0 {
		e.dead(ctx, "at the end of its blocks")
	}
	e.confirm(ctx)
	e.trace(ctx)
	e.report()
	return nil
}

// runBlocks runs blocks until every series is sure, or time is up. The peers of one that
// was cut off have left when it returns.
func (e *experiment) runBlocks(ctx context.Context) {
	defer e.clear()
	ctx, cancel := context.WithTimeout(ctx, e.Duration)
	defer cancel()
	defer e.workers.experiment(e.number)()
	var err error
	if e.first, err = e.target.read(ctx, false); err != nil {
		e.first = reading{} // settling takes longer than with one that has gaps, and is not cut short
	}
	e.log.Info("warming up", "probes", e.target.names())
	if !e.on(ctx, e.planned[len(e.planned)-1], warmUp) {
		return
	}
	e.sites, _ = e.target.sites(ctx) // without them no place is named
	for k := range e.planned {
		if e.lasting && !e.fits(ctx, k) || !e.pair(ctx, k) || e.sure() {
			break
		}
		e.log.Info("pair of blocks done", "number", k+1, "of", e.pairs, "peers", e.fleet.lives())
	}
}

// clear has whoever is left of a block leave. What was under way to them is not lost: that
// they left explains it.
func (e *experiment) clear() {
	e.fleet.closeAll(leavePatience)
	e.fleet.ledger.Settle()
}

// dead reports whether the target has died or stopped answering, and notes it.
func (e *experiment) dead(ctx context.Context, what string) bool {
	if ctx.Err() != nil {
		return false // who interrupts a run may have ended the target, too
	}
	err := e.target.alive(ctx)
	if err == nil {
		return false
	}
	e.evidence.Failures = append(e.evidence.Failures, verdict.Reason{About: "target",
		What: fmt.Sprintf("%v, after %d peers (%.160s)", err, e.fleet.lives(), what), Do: "read the log of the target"})
	return true
}

// landed is how many peers of each scenario did what it says.
func landed(list []verdict.Scenario) map[string]int64 {
	m := map[string]int64{}
	for _, s := range list {
		m[s.Name] = s.Landed
	}
	return m
}
