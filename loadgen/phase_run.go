package loadgen

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// phaseRun is one phase of a plan under way, with what its profile uses.
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
	watch    func(*Peer, codec.Event) bool // sees the messages of all peers that arrive, if set

	progress *progress
	own      *own
	watched  bool // the caller watches, so an experiment evaluates its series in between

	share   share
	worker  *worker      // in a worker, else nil
	workers *coordinator // of workers, nil if there are none

	evidence *verdict.Run // to which the profile adds
	figures  *[]report.Figure
	noted    func() // is called after each figure, if set

	capacities *[]report.Capacity
}

// maxAtOnce bounds the actions that run at the same time, nearly all of them dialling. What
// is due beyond that waits and counts as late. It is five seconds of the default rate.
const maxAtOnce = 2048

func newPhaseRun(r *runner, number int) *phaseRun {
	s := &phaseRun{
		Phase: r.plan.Phases[number], number: number, seed: schedule.Mix(r.plan.Seed, placePhase, uint64(number)),
		fleet: r.fleet, target: r.target, counters: r.counters, log: r.log, evidence: &r.run, figures: &r.figures, noted: r.judgeFigures, capacities: &r.capacities,
		share: r.share, workers: r.workers, progress: r.progress, own: r.own, watched: r.cfg.Watch != nil,
		schedule: schedule.New(maxAtOnce, r.fleet.rec.AddSlip),
	}
	for i := range s.Networks {
		s.networks = append(s.networks, newNetwork(fmt.Sprintf("loadgen-%x-%d-%d", r.plan.Seed, number, i), r.fleet.rec))
	}
	return s
}

// drawNetwork draws one of the networks.
func (s *phaseRun) drawNetwork(rng *rand.Rand) *network { return s.networks[rng.IntN(len(s.networks))] }

// arrive schedules this process's share of n arrivals at the rate of the phase. of returns
// the scenario of peer i.
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

// gatherRate bounds the arrivals and departures a second where the rate of the phase is
// that of something else.
const gatherRate = 500

// gather lets all peers arrive, to stay.
func (s *phaseRun) gather(ctx context.Context) {
	s.arriveAt(min(s.Rate, gatherRate), placePeer, s.Peers, func(int) scenario { return hold })
	s.schedule.Run(ctx)
}

// depart lets all peers leave politely, at a rate.
func (s *phaseRun) depart(ctx context.Context, rate float64) {
	peers := s.fleet.peers()
	s.schedule.AddPaced(s.pace(s.share.rate(rate), placeLeave), len(peers), func(_ context.Context, i int, t schedule.Tick) {
		peers[i].leave(LeavePolite, t)
	})
	s.schedule.Run(ctx)
}

// awaitDiscovery waits until each member has heard of all later ones, if the target
// notifies members.
func (s *phaseRun) awaitDiscovery(ctx context.Context) {
	if !codec.NotifiesMembers.In(s.fleet.codec) {
		return
	}
	waitFor(ctx, s.target.waits.delivery, func() bool {
		return !slices.ContainsFunc(s.networks, (*network).isPending)
	})
}

// awaitPong waits until the target has answered a ping of the peer, and so has read what the
// peer sent before, if it answers pings.
func (s *phaseRun) awaitPong(ctx context.Context, p *Peer) {
	if codec.Pings.In(s.fleet.codec) && p.ping(schedule.At(time.Now())) == nil {
		waitFor(ctx, s.target.waits.answer, func() bool { return !p.isWaiting() || p.isOver() })
	}
}

// await waits until all messages have arrived, or count as lost.
func (s *phaseRun) await(ctx context.Context) {
	waitFor(ctx, s.target.waits.delivery, func() bool { return !s.fleet.unanswered() })
	s.fleet.ledger.Settle()
}

// actions returns how many actions the rate and the duration make.
func (s *phaseRun) actions() int { return int(s.Rate * s.Duration.Seconds()) }

// witnesses connects one further member to each network. watch sees all its messages.
func (s *phaseRun) witnesses(ctx context.Context, watch func(*Peer, codec.Event) bool) error {
	now := time.Now()
	for i, r := range s.networks {
		p, err := s.fleet.connect(ctx, &Peer{id: s.witness(i), dialled: schedule.At(now), watch: watch})
		if err == nil {
			err = p.announce(r, schedule.At(now))
		}
		if err != nil {
			return fmt.Errorf("%s: witness: %w", s.Profile, err)
		}
	}
	return nil
}
