package loadgen

import (
	"context"
	"math"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// goesOn reports whether a phase of the same run can follow.
func (r *runner) goesOn(ctx context.Context) bool {
	return ctx.Err() == nil && len(r.run.Failures) == 0
}

// furtherPhases runs what follows the experiment of a check: residents, then rough phases.
func (r *runner) furtherPhases(ctx context.Context, s *phaseRun) error {
	if s.Profile == checkProfile().word {
		if err := r.residents(ctx, s); err != nil || !r.goesOn(ctx) {
			return err
		}
	}
	switch {
	case r.isRough(&s.Phase):
		return r.rough(ctx, s, roughPhases())
	case RoughnessOf(&s.Phase) == RoughHere:
		r.log.Info("fanout, spike and hostile are left out because the target is not on this machine", "ask_with", "--param rough=yes")
	}
	return nil
}

// residents runs the experiment with residents after that of a check, with counters of its
// own. With workers, this process runs it alone.
func (r *runner) residents(ctx context.Context, s *phaseRun) error {
	p := residentsProfile()
	n := s.Params[residentsParam]
	if n == "0" {
		return nil
	}
	planned, err := plan.Plan{Name: r.plan.Name, Seed: schedule.Mix(s.seed, placeStay), Codec: r.cfg.Plan.Codec, Text: r.cfg.Plan.Text, Phases: []plan.Phase{{
		Profile: p.word, Rate: math.Min(s.Rate, p.phase.Rate), Params: map[string]string{residentsParam: n, "confirm": s.Params["confirm"]},
	}}}.Complete(defaultsOf)
	if err != nil {
		return err
	}
	side := r.beside(planned)
	y := newResidency(newPhaseRun(side, 0), r.run.Trends)
	defer r.progress.enter(s.number+1, p.word)()
	r.log.Info("phase "+p.word+" of the check", "residents", n, "visitors", y.Peers)
	err = y.run(ctx)
	side.fleet.closeAll(leavePatience)
	r.join(side)
	return err
}

// beside returns a runner of the same target with counters of its own.
func (r *runner) beside(planned plan.Plan) *runner {
	side := &runner{cfg: r.cfg, plan: planned, fleet: newFleet(r.cfg.URL, r.cfg.Codec), target: r.target, counters: newCounters(), progress: r.progress, log: r.log}
	side.fleet.from.addresses, side.fleet.dialer = r.cfg.Sources, r.fleet.dialer
	return side
}

// join adds what the experiment with residents found. A message to a visitor may be lost
// because it left; one that came wrong is a failure.
func (r *runner) join(side *runner) {
	own, other := &r.run, &side.run
	own.Failures = append(own.Failures, other.Failures...)
	deliveries := side.fleet.ledger.Totals()
	own.Failures = append(own.Failures, deliveries.Failures()...)
	own.Doubts = append(own.Doubts, other.Doubts...)
	own.Trends = append(own.Trends, other.Trends...)
	own.Controls = append(own.Controls, other.Controls...)
	own.Scenarios = append(own.Scenarios, other.Scenarios...)
	for i := range own.Detectors {
		for _, d := range other.Detectors {
			if d.Name == own.Detectors[i].Name && d.State == verdict.Missing {
				own.Detectors[i] = d
			}
		}
	}
	r.figures = append(r.figures, side.figures...)
}
