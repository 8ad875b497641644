package loadgen

import (
	"context"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

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
	e.interim()
	return true
}

// off runs a block without peers.
func (e *experiment) off(ctx context.Context, k int) bool {
	off := e.restOf(k)
	defer e.progress.begin(report.SpanOff, off)()
	e.target.idle.Store(true)
	defer e.target.idle.Store(false)
	pause(ctx, off)
	return e.settle(ctx, 0)
}

// on runs a block with peers. The warm-up is one that is not evaluated.
func (e *experiment) on(ctx context.Context, doses verdict.Cycle, place uint64) bool {
	counts := e.counters.scenarios()
	before := landed(counts)
	order := e.order(doses, place)
	kind := report.SpanOn
	if place == warmUp {
		kind = report.SpanWarmUp
	}
	end := e.progress.begin(kind, time.Duration(float64(len(order))/e.Rate*float64(time.Second)))
	if e.workers == nil {
		e.arrive(place, len(order), func(i int) scenario { return order[i] })
	}
	e.workers.block(ctx, e.number, place, e.schedule)
	end()
	if ctx.Err() != nil {
		e.counters.callOff(counts)
	}
	cycle, total := verdict.Cycle{Doses: map[string]int64{}}, int64(0)
	for name, n := range landed(e.counters.scenarios()) {
		cycle.Doses[name] = n - before[name]
		total += n - before[name]
	}
	if 2*total < int64(len(order)) && e.dead(ctx, fmt.Sprintf("%d of %d peers of a block took all their steps", total, len(order))) {
		return false
	}
	if place != warmUp {
		e.cycles = append(e.cycles, cycle)
	}
	return e.settle(ctx, float64(total))
}

const (
	warmUp     = math.MaxUint64 // place of the warm-up
	warmUpStay = 2              // how many times longer its peers stay
)

// order returns the scenarios of the peers of a block in random order. Peers of the warm-up
// stay longer, so that more of them are connected at once than later: a target keeps room
// for the most goroutines and entries that it ever had, and would grow a little with each
// block that exceeds them.
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

// settle ends a block. The first one is the warm-up, whose reading is the baseline.
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

// fits reports whether there is time for pair k.
func (e *experiment) fits(ctx context.Context, k int) bool {
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) > pairTime(&e.Phase, int(total(e.planned[k])))
}

// restOf returns the length of the off block of pair k.
func (e *experiment) restOf(k int) time.Duration {
	if e.lasting { // as long as the on block: growth over time must not look like growth by peers
		return time.Duration(float64(total(e.planned[k])) / e.Rate * float64(time.Second))
	}
	off, _ := e.Phase.DurationOf("off") // checked with the plan
	return off
}

// follow runs the blocks that the coordinator orders.
func (e *experiment) follow(ctx context.Context) error {
	w := e.phaseRun.worker
	for o := range w.orders {
		if o.Block == nil {
			w.ended = true
			e.clear()
			return nil
		}
		doses := e.planned[len(e.planned)-1]
		if *o.Block < uint64(len(e.planned)) {
			doses = e.planned[*o.Block]
		}
		err := w.under(ctx, func(ctx context.Context) error {
			peers := e.order(doses, *o.Block)
			e.arrive(*o.Block, len(peers), func(i int) scenario { return peers[i] })
			e.schedule.Run(ctx)
			return nil
		})
		if err := w.done(err); err != nil {
			return err
		}
	}
	return nil
}
