package loadgen

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// residency measures what a target retains for peers that stay. Residents are members of one
// network over all blocks. In an on block visitors enter and leave that network, in an off
// block of the same length none does. The dose of a block is the number of messages that the
// residents received in it. At the end the residents leave: what they held is released then,
// and what the visitors left is not.
type residency struct {
	*experiment
	others []verdict.Trend // of the peers that left, from the experiment before
	number int             // of residents
	bound  int64           // events of each after which growth is no filling
	events atomic.Int64    // of all residents

	residents []*Peer
	took      time.Duration // the last on block
	empty     reading       // at rest, before the residents came
	joined    reading       // at rest, before they saw an event
	left      reading       // at rest, after they left
	marks     []mark        // at the baseline, and after each block
	stayed    int           // residents that were there at the end
	lost      int           // residents that were replaced
	fills     bool          // a series may fill to a bound: the blocks are larger
}

// mark is what the run itself knows at a reading: the controls are made of it.
type mark struct{ collected, staying float64 }

// The pairs of blocks. Growth that may fill to a bound goes on up to the most.
const (
	residentPairs = 8
	mostPairs     = 4 * residentPairs
)

// residentBound is the number of events of each resident after which growth is no filling: a
// server keeps fewer messages for a session, or as the history of a network.
const residentBound = 1 << 14

func newResidency(s *phaseRun, others []verdict.Trend) *residency {
	n, _ := s.IntOf(residentsParam, 1, maxResidents) // checked with the plan
	e := &experiment{phaseRun: s, rng: s.stream(placeExperiment), pairs: minPairs}
	y := &residency{experiment: e, others: others, number: n, bound: residentBound}
	e.lives = int64(s.Peers * n)
	if y.areNotified() {
		e.lives *= 2 * entries
	}
	return y
}

// areNotified reports whether the target notifies the residents of visitors. Otherwise they
// send messages themselves, and the answers are their events.
func (y *residency) areNotified() bool { return codec.NotifiesMembers.In(y.fleet.codec) }

// run runs the blocks and adds the findings to the evidence. Workers take no part.
func (y *residency) run(ctx context.Context) error {
	if y.phaseRun.worker != nil {
		return nil
	}
	if !y.readable(ctx) {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, y.Duration)
	defer cancel()
	defer y.clear()
	if y.admit(limited) {
		for k := range mostPairs {
			if !y.exchange(limited, uint64(k)) || !y.replace(limited, uint64(k)) || y.enough() {
				break
			}
			done := len(y.blocks) / 2
			y.progress.learned(done, max(done, minPairs), nil)
			y.log.Info("pair of blocks with residents done", "number", done, "of_at_least", max(done, minPairs), "events", y.events.Load())
		}
	}
	y.stayed = staying(y.residents)
	y.trends = y.growth()
	if isCutShort(ctx) || ctx.Err() != nil {
		return nil
	}
	y.trace(ctx)
	y.dismiss(ctx)
	y.conclude()
	return nil
}

// admit lets the residents come, and reads the target before, when they are there, and when
// they have seen the first events.
func (y *residency) admit(ctx context.Context) bool {
	var err error
	if y.first, err = y.target.read(ctx, false); err != nil {
		y.first = reading{} // an incomplete reading would end settling too early
	}
	if !y.target.sawFall() {
		y.readIdle(ctx)
		y.visit(ctx)
	}
	lives := y.Peers / residentPairs
	if !y.stir(ctx, warmUp, lives) { // what the first peers leave is not of the residents
		return false
	}
	y.empty = maps.Clone(y.rest)
	if !y.enter(ctx) || !y.settle(ctx, 0) {
		return false
	}
	y.joined = maps.Clone(y.rest)
	y.peak, y.seen = y.joined, y.number
	return y.begin(ctx, warmUp-1)
}

// begin lets the residents see first events, and takes the baseline.
func (y *residency) begin(ctx context.Context, place uint64) bool {
	if !y.stir(ctx, place, y.Peers/residentPairs) {
		return false
	}
	y.sites, _ = y.target.sites(ctx) // without them no place is named
	y.blocks, y.marks = nil, []mark{y.mark()}
	return true
}

// replace replaces residents whose connections have ended. The experiment then begins anew:
// what was retained for them is gone. It reports whether the experiment can go on.
func (y *residency) replace(ctx context.Context, k uint64) bool {
	lost := y.number - staying(y.residents)
	if lost == 0 {
		return true
	}
	y.lost += lost
	y.blocks, y.marks = nil, nil
	y.log.Info("residents were disconnected; others come in their place", "number", lost)
	y.residents = slices.DeleteFunc(y.residents, (*Peer).isOver)
	return y.enter(ctx) && y.settle(ctx, 0) && y.begin(ctx, warmUp-2-k)
}

// enter connects the residents that are missing, and waits until the target has read their
// announces.
func (y *residency) enter(ctx context.Context) bool {
	for i := range y.number - len(y.residents) {
		if i > 0 {
			pause(ctx, time.Duration(float64(time.Second)/y.Rate))
		}
		now := schedule.At(time.Now())
		p := &Peer{id: schedule.PeerID(y.seed, placeResident, uint64(y.lost+len(y.residents))), dialled: now, watch: y.hear}
		p, err := y.fleet.connect(ctx, p)
		if err == nil {
			y.residents = append(y.residents, p)
			err = p.announce(y.networks[0], now)
		}
		if err != nil {
			y.log.Warn("a resident cannot stay", "error", err)
			return false
		}
	}
	y.await(ctx, y.residents, (*Peer).isGreeted)
	y.catchUp(ctx)
	return ctx.Err() == nil
}

// hear counts an event of a resident. Greetings and the answers to pings are none.
func (y *residency) hear(_ *Peer, e codec.Event) bool {
	if e.Kind != codec.EventGreeting && e.Kind != codec.EventPong {
		y.events.Add(1)
	}
	return false
}

// catchUp waits until the residents have received what was sent to them.
func (y *residency) catchUp(ctx context.Context) {
	for _, p := range y.residents {
		y.awaitPong(ctx, p)
	}
	y.phaseRun.await(ctx)
}

// exchange runs an on and an off block in random order, larger ones while growth may fill to a
// bound. It reports whether the experiment can
// go on.
func (y *residency) exchange(ctx context.Context, k uint64) bool {
	first, lives := y.rng.IntN(2), y.Peers/residentPairs
	if y.fills {
		lives *= furtherBy
	}
	for i := range 2 {
		ok := false
		if i == first {
			ok = y.stir(ctx, k, lives)
		} else {
			ok = y.quiet(ctx, lives)
		}
		if !ok {
			return false
		}
		y.marks = append(y.marks, y.mark())
	}
	return true
}

// stir runs a block with visitors. If the target does not notify the residents of them, each
// resident sends a message for every second visitor.
func (y *residency) stir(ctx context.Context, k uint64, lives int) bool {
	before, counts, begin := y.events.Load(), y.counters.scenarios(), time.Now()
	end := y.progress.begin(report.SpanOn, time.Duration(float64(lives)/y.Rate*float64(time.Second)))
	visitor := y.visitor()
	y.arrive(schedule.Mix(placeVisitor, k), lives, func(int) scenario { return visitor })
	if !y.areNotified() {
		y.schedule.AddPaced(y.pace(y.Rate/2, placeTalk), lives/2, func(_ context.Context, _ int, t schedule.Tick) {
			for _, p := range y.residents {
				_ = p.ping(t) // the reader finds the end of the connection
			}
		})
	}
	y.schedule.Run(ctx)
	if ctx.Err() != nil {
		y.counters.callOff(counts)
	}
	y.catchUp(ctx)
	y.took = time.Since(begin)
	end()
	ok := y.settle(ctx, 0)
	if n := len(y.blocks); ok && n > 0 {
		y.blocks[n-1].dose = float64(y.events.Load() - before)
	}
	return ok
}

// quiet runs a block without visitors, as long as one with so many, and as the last one: growth
// over time must not look like growth by events.
func (y *residency) quiet(ctx context.Context, lives int) bool {
	off := max(y.took, time.Duration(float64(lives)/y.Rate*float64(time.Second)))
	defer y.progress.begin(report.SpanOff, off)()
	pause(ctx, off)
	return y.settle(ctx, 0)
}

func (y *residency) mark() mark {
	return mark{collected: float64(y.events.Load()), staying: float64(staying(y.residents))}
}

// dismiss lets the residents leave and reads the target. It gives a target that still holds
// what it collected time to release it, and visitors that make it collect its garbage.
func (y *residency) dismiss(ctx context.Context) {
	now := schedule.At(time.Now())
	for _, p := range y.residents {
		p.leave(LeavePolite, now)
	}
	patience, _ := y.DurationOf("confirm") // checked with the plan
	last := y.rest
	y.residents = nil
	visitor := y.visitor()
	for k, end := uint64(mostPairs), time.Now().Add(patience); ; k++ {
		y.left, _ = y.target.settle(ctx, y.empty) // a series that is missing is not decided
		if !y.holds(last) || ctx.Err() != nil || time.Now().After(end) {
			return
		}
		y.arrive(schedule.Mix(placeVisitor, k), y.Peers/residentPairs, func(int) scenario { return visitor })
		y.schedule.Run(ctx)
	}
}
