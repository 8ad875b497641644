package loadgen

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// stage is where one phase of a plan plays.
type stage struct {
	plan.Phase
	number   int // of the phase, from 0
	seed     uint64
	fleet    *fleet
	schedule *schedule.Schedule
	target   *target
	tally    *tally
	rooms    []*room
	log      *slog.Logger
	watch    func(*Peer, codec.Event) bool // of all peers that arrive; nil for none

	board   *board
	watched bool // by somebody, who wants to know what an experiment knows

	share  share
	worker *worker      // in a worker, else nil
	crew   *coordinator // of workers, nil if there are none

	run     *verdict.Run // to which an experiment adds
	figures *[]report.Figure
}

// maxAtOnce is how many actions may be under way at once, nearly all of them dialling.
// What is due beyond that waits, and counts as late by the generator's fault: so many
// are five seconds of the default rate, for a target that takes its time to answer.
const maxAtOnce = 2048

func newStage(r *runner, number int) *stage {
	s := &stage{
		Phase: r.plan.Phases[number], number: number, seed: schedule.Mix(r.plan.Seed, 's', uint64(number)),
		fleet: r.fleet, target: r.target, tally: r.tally, log: r.log, run: &r.run, figures: &r.figures,
		share: r.share, crew: r.crew, board: r.board, watched: r.cfg.Watch != nil,
		schedule: schedule.New(maxAtOnce, r.fleet.rec.AddSlip),
	}
	for i := range s.Networks {
		s.rooms = append(s.rooms, newRoom(fmt.Sprintf("loadgen-%x-%d-%d", r.plan.Seed, number, i), r.fleet.rec))
	}
	return s
}

// room draws one of the networks.
func (s *stage) room(rng *rand.Rand) *room { return s.rooms[rng.IntN(len(s.rooms))] }

// stream returns the stream of numbers of a place in the stage.
func (s *stage) stream(place ...uint64) *rand.Rand { return schedule.Stream(s.seed, place...) }

// pace returns a pace that begins now.
func (s *stage) pace(rate float64, place uint64) schedule.Pace {
	return schedule.Pace{Start: time.Now(), Rate: rate, Seed: schedule.Mix(s.seed, place)}
}

// arrive puts the arrival of those of n peers that are in the share on the agenda, at the rate of the stage, each
// with the scenario that of says.
func (s *stage) arrive(place uint64, n int, of func(i int) scenario) {
	s.arriveAt(s.Rate, place, n, of)
}

func (s *stage) arriveAt(rate float64, place uint64, n int, of func(i int) scenario) {
	s.schedule.AddPacedIf(s.pace(rate, place), n, func(i int) bool { return s.hasPeer(place, i) }, func(ctx context.Context, i int, t schedule.Tick) {
		l := &life{stage: s, scenario: of(i), id: schedule.PeerID(s.seed, place, uint64(i)), rng: s.stream(place, uint64(i)), tally: s.tally}
		s.tally.planned(l.scenario.name)
		l.begin(ctx, t)
	})
}

// hold is the scenario of peers that stay.
var hold = scenario{name: "hold", steps: []step{{0, announce}}}
