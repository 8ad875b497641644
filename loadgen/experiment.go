package loadgen

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
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
	places *places // after the warm-up; nil if the target has none
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
	e.places, _ = e.target.places(ctx) // without them no place is named
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

// pair runs an on and an off block. It reports whether the experiment can go on.
func (e *experiment) pair(ctx context.Context, k int) bool {
	first := e.rng.IntN(2)
	for i := range 2 {
		if i == first {
			if !e.on(ctx, e.planned[k], uint64(k)) {
				return false
			}
			continue
		}
		if !e.off(ctx, k) {
			return false
		}
	}
	e.interim(k + 1)
	return true
}

// off lets a block without peers pass.
func (e *experiment) off(ctx context.Context, k int) bool {
	off := e.restOf(k)
	defer e.progress.begin(report.SpanOff, off)()
	pause(ctx, off)
	return e.settle(ctx, 0)
}

// on has the peers of a block come and go. The warm-up is one that does not count.
func (e *experiment) on(ctx context.Context, doses verdict.Cycle, place uint64) bool {
	before := landed(e.counters.scenarios())
	order := e.order(doses, place)
	kind := report.SpanOn
	if place == warmUp {
		kind = report.SpanWarmUp
	}
	end := e.progress.begin(kind, time.Duration(float64(len(order))/e.Rate*float64(time.Second)))
	if e.workers == nil {
		e.arrive(place, len(order), func(i int) scenario { return order[i] })
	}
	if place == warmUp {
		e.schedule.Add(time.Now().Add(time.Duration(float64(len(order))/e.Rate/2*float64(time.Second))), e.readPeak)
	}
	e.workers.block(ctx, e.number, place, e.schedule)
	end()
	cycle, total := verdict.Cycle{Doses: map[string]int64{}}, int64(0)
	for name, n := range landed(e.counters.scenarios()) {
		cycle.Doses[name] = n - before[name]
		total += n - before[name]
	}
	if 2*total < int64(len(order)) && e.dead(ctx, fmt.Sprintf("%d of %d peers of a block did what they should", total, len(order))) {
		return false
	}
	if place != warmUp {
		e.cycles = append(e.cycles, cycle)
	}
	return e.settle(ctx, float64(total))
}

const (
	warmUp     = math.MaxUint64 // place of the block that does not count
	warmUpStay = 2              // times as long as later
)

// readPeak reads the target with peers connected, halfway through their arrivals, and
// counts those that were there all the while. Who has said goodbye is not: not every
// target counts it. Of a workers's peers only how many there are is known.
func (e *experiment) readPeak(ctx context.Context, _ schedule.Tick) {
	count := e.fleet.present
	if e.workers != nil {
		count = e.fleet.size
	}
	e.seen = count()
	e.peak, _ = e.target.read(ctx, false) // without it, no series is left out
	if e.workers != nil {                 // what they told may be of before the reading: those there after it were there
		pause(ctx, 2*booksEvery)
	}
	e.seen = min(e.seen, count())
}

// order is the peers of a block in random order. Those of the warm-up stay longer, so
// that more are there at once than later: a target keeps a descriptor of each of the most
// goroutines, and room for the most entries, that it ever had, and would grow a little
// with every block that has some more.
func (e *experiment) order(doses verdict.Cycle, place uint64) []scenario {
	var list []scenario
	for _, s := range e.scenarios {
		if place == warmUp {
			s = s.slower(warmUpStay)
		}
		for range doses.Doses[s.name] {
			list = append(list, s)
		}
	}
	e.stream(placeOrder, place).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// settle ends a block. The first is the warm-up: its reading is the baseline.
func (e *experiment) settle(ctx context.Context, dose float64) bool {
	settle, before := e.target.settle, e.known
	if e.rest == nil {
		settle, before = e.target.settleFirst, e.first
	}
	now, err := settle(ctx, before)
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		if e.dead(ctx, err.Error()) {
			return false
		}
		miss(e.evidence, err)
	}
	now = now.counts()
	if e.rest != nil {
		e.blocks = append(e.blocks, block{dose, e.rest, now, time.Since(e.target.start)})
	}
	e.rest = now
	if e.known == nil {
		e.known = reading{}
	}
	maps.Copy(e.known, now)
	return true
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

// sure asks every series, and reports whether the experiment may end: everywhere is a
// leak, or none of a size that matters. Once there is a leak, it does not go on for the
// sake of bytes.
func (e *experiment) sure() bool {
	if len(e.cycles) < e.pairs {
		return false
	}
	e.trends = e.ask()
	counts, bytes, leaking := true, true, false
	for _, t := range e.trends {
		decided := t.Outcome != verdict.Inconclusive
		counts = counts && (decided || t.Unit == verdict.Bytes)
		bytes = bytes && (decided || t.Unit != verdict.Bytes)
		leaking = leaking || t.Outcome == verdict.Leaking
	}
	return counts && (bytes && !e.lasting || leaking)
}

// confirm gives a target that seems to leak time to let go: what is kept for a while
// and then released is no leak.
func (e *experiment) confirm(ctx context.Context) {
	e.trends = e.ask()
	patience, _ := e.Phase.DurationOf("confirm") // checked with the plan
	var suspects []*verdict.Trend
	for i := range e.trends {
		if e.trends[i].Outcome == verdict.Leaking && e.trends[i].Unit != verdict.Bytes {
			suspects = append(suspects, &e.trends[i])
		}
	}
	if len(suspects) == 0 {
		return
	}
	e.log.Info("something stays; waiting whether it is let go", "series", len(suspects), "at_most", patience)
	for end := time.Now().Add(patience); time.Now().Before(end) && ctx.Err() == nil; pause(ctx, time.Second) {
		now, err := e.target.read(ctx, false)
		if err != nil {
			continue
		}
		var left []*verdict.Trend
		for _, t := range suspects {
			if v, ok := now[t.Series]; ok && v-t.Baseline < (t.Final-t.Baseline)/2 {
				t.Outcome, t.Why = verdict.Inconclusive, "what stayed was let go later: the target takes its time, or a timer"
				continue
			}
			left = append(left, t)
		}
		if suspects = left; len(left) == 0 {
			return
		}
	}
}

// landed is how many peers of each scenario did what it says.
func landed(list []verdict.Scenario) map[string]int64 {
	m := map[string]int64{}
	for _, s := range list {
		m[s.Name] = s.Landed
	}
	return m
}

// value is that of a series in a reading, not a number if it is missing.
func (r reading) value(name string) float64 {
	if v, ok := r[name]; ok {
		return v
	}
	return math.NaN()
}
