package loadgen

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// stage is where one phase of a plan plays.
type phaseRun struct {
	plan.Phase
	number   int // of the phase, from 0
	seed     uint64
	fleet    *fleet
	schedule *schedule.Schedule
	target   *target
	counters *counters
	networks []*network
	log      *slog.Logger
	watch    func(*Peer, codec.Event) bool // of all peers that arrive; nil for none

	progress *progress
	watched  bool // by somebody, who wants to know what an experiment knows

	share   share
	worker  *worker      // in a worker, else nil
	workers *coordinator // of workers, nil if there are none

	evidence *verdict.Run // to which the profile adds
	figures  *[]report.Figure
}

// maxAtOnce is how many actions may be under way at once, nearly all of them dialling.
// What is due beyond that waits, and counts as late by the generator's fault: so many
// are five seconds of the default rate, for a target that takes its time to answer.
const maxAtOnce = 2048

func newPhaseRun(r *runner, number int) *phaseRun {
	s := &phaseRun{
		Phase: r.plan.Phases[number], number: number, seed: schedule.Mix(r.plan.Seed, placePhase, uint64(number)),
		fleet: r.fleet, target: r.target, counters: r.counters, log: r.log, evidence: &r.run, figures: &r.figures,
		share: r.share, workers: r.workers, progress: r.progress, watched: r.cfg.Watch != nil,
		schedule: schedule.New(maxAtOnce, r.fleet.rec.AddSlip),
	}
	for i := range s.Networks {
		s.networks = append(s.networks, newNetwork(fmt.Sprintf("loadgen-%x-%d-%d", r.plan.Seed, number, i), r.fleet.rec))
	}
	return s
}

// room draws one of the networks.
func (s *phaseRun) drawNetwork(rng *rand.Rand) *network { return s.networks[rng.IntN(len(s.networks))] }

// arrive puts the arrival of those of n peers that are in the share on the agenda, at the rate of the stage, each
// with the scenario that of says.
func (s *phaseRun) arrive(place uint64, n int, of func(i int) scenario) {
	s.arriveAt(s.Rate, place, n, of)
}

func (s *phaseRun) arriveAt(rate float64, place uint64, n int, of func(i int) scenario) {
	s.schedule.AddPacedIf(s.pace(rate, place), n, func(i int) bool { return s.hasPeer(place, i) }, func(ctx context.Context, i int, t schedule.Tick) {
		l := &life{phaseRun: s, scenario: of(i), id: schedule.PeerID(s.seed, place, uint64(i)), rng: s.stream(place, uint64(i)), counters: s.counters}
		s.counters.planned(l.scenario.name)
		l.begin(ctx, t)
	})
}

// hold is the scenario of peers that stay.
var hold = scenario{name: "hold", steps: []step{{0, announce}}}
