package loadgen

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// roughPhases run after the experiment of a check, a few seconds each and the most
// dangerous last: a crowded network, a reconnecting herd, hostile input. Their times and
// deliveries are not part of the result, because bystanders of an attack do not measure the
// hub.
func roughPhases() []plan.Phase {
	return []plan.Phase{
		{Profile: "fanout", Peers: 60, Rate: 200, Params: map[string]string{"patience": "30s"}},
		{Profile: "spike", Peers: 200, Rate: 400, Duration: 500 * time.Millisecond, Networks: 20, Params: map[string]string{"herds": "1"}},
		{Profile: "hostile", Peers: 4, Params: map[string]string{"react": "20ms", "hold": "500ms", "patience": "15s", "slow": "10s"}},
	}
}

// roughFigures are the figures of rough phases that a check reports.
var roughFigures = []string{
	"discoveries heard", "leave notices heard", "herd 1: back", "herd 1: recovery, from the loss to the last greeting",
	inputsSurvived, "longest wait of a bystander",
}

// roughDeliveries is the figure of what became of the messages of a rough phase, if not all
// is well.
const roughDeliveries = "messages"

// Roughness is the parameter of a check that says whether its rough phases are run. An
// input may end the target, so by default only a target on this machine gets them.
type Roughness string

// The values of Roughness.
const (
	RoughHere Roughness = "here" // if the target is on this machine
	RoughYes  Roughness = "yes"
	RoughNo   Roughness = "no"
)

const roughParam = "rough"

// RoughnessOf returns the roughness of a phase, "" if its profile has none.
func RoughnessOf(f *plan.Phase) Roughness { return Roughness(f.Params[roughParam]) }

// Set sets the roughness of a phase of a check.
func (r Roughness) Set(f *plan.Phase) { f.Params[roughParam] = string(r) }

func checkRough(f *plan.Phase) error {
	switch r := RoughnessOf(f); r {
	case RoughHere, RoughYes, RoughNo:
		return nil
	default:
		return fmt.Errorf("%s: %s is %q, must be %s, %s or %s", f.Profile, roughParam, r, RoughHere, RoughYes, RoughNo)
	}
}

// isRough reports whether the rough phases are run after a phase.
func (r *runner) isRough(f *plan.Phase) bool {
	switch RoughnessOf(f) {
	case RoughYes:
		return true
	case RoughHere:
		return preflight.IsHere(r.cfg.URL) && (r.cfg.Recruiter == nil || !r.cfg.Recruiter.Elsewhere())
	}
	return false
}

// rough runs rough phases while the target lives, and reads the target again after each. With
// workers, this process runs them alone.
func (r *runner) rough(ctx context.Context, s *phaseRun, phases []plan.Phase) error {
	rest, err := r.target.usual(ctx)
	if ctx.Err() == nil {
		miss(&r.run, err)
	}
	for i, f := range phases {
		p, err := profileOf(f.Profile)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		if p.needs != nil && s.leftOut(p.word, p.needs(&f)) {
			continue
		}
		planned, err := plan.Plan{Name: r.plan.Name, Seed: schedule.Mix(s.seed, placeRough, uint64(i)), Codec: r.cfg.Plan.Codec, Text: r.cfg.Plan.Text, Phases: []plan.Phase{f}}.Complete(defaultsOf)
		if err != nil {
			return err
		}
		goOn := r.roughPhase(ctx, p, planned)
		if goOn {
			rest, goOn = r.retained(ctx, rest, p, planned)
		}
		if !goOn {
			return nil
		}
	}
	return nil
}

// retained reads the target after a rough phase, when it has settled. If a count stayed
// above its rest, the phase is repeated: a pool that was filled does not rise again, and what
// rises again is retained for good. It returns the new rest, and whether the target lives.
func (r *runner) retained(ctx context.Context, rest reading, p profile, planned plan.Plan) (now reading, goOn bool) {
	now, _ = r.target.settle(ctx, rest) // a series that is missing is not compared
	if len(risen(rest, now)) == 0 || ctx.Err() != nil {
		return now, true
	}
	r.log.Info("something stayed; the phase is repeated", "phase", p.word, "series", strings.Join(risen(rest, now), ", "))
	if !r.roughPhase(ctx, p, planned) {
		return now, false
	}
	again, _ := r.target.settle(ctx, now)
	for _, name := range risen(now, again) {
		if once, twice := now[name]-rest[name], again[name]-now[name]; once > 0 && 2*twice >= once {
			r.run.Failures = append(r.run.Failures, verdict.Reason{About: name, Aside: true,
				What: fmt.Sprintf("%s: the target retains what it leaves: %s was %g, is %g after the phase and %g after it was repeated",
					p.word, name, rest[name], now[name], again[name]),
				Do: "loadgen " + p.word + " repeats it alone"})
		}
	}
	return again, true
}

// roughPhase runs a plan of one phase with counters of its own, and reports whether another
// phase can follow. What it finds goes to the run, marked as aside: the leak verdict
// stands.
func (r *runner) roughPhase(ctx context.Context, p profile, planned plan.Plan) bool {
	side := r.beside(planned)
	s := newPhaseRun(side, 0)
	defer r.progress.enter(s.number+1, p.word)()
	r.log.Info("phase "+p.word+" of the check", "peers", s.Peers)
	limited, cancel := context.WithTimeout(ctx, roughLimit)
	defer cancel()
	err := p.run(limited, s)
	late, goOn := limited.Err() != nil, false
	side.fleet.ledger.Settle()
	side.fleet.closeAll(leavePatience)
	if ctx.Err() == nil {
		dead := r.target.alive(ctx)
		side.addRough(p.word, dead, err, late)
		goOn = dead == nil
	}
	for _, f := range side.run.Failures {
		f.Aside = true
		r.run.Failures = append(r.run.Failures, f)
	}
	r.run.Doubts = append(r.run.Doubts, side.run.Doubts...)
	for _, f := range side.figures {
		if slices.Contains(roughFigures, f.Name) || f.Name == roughDeliveries || strings.HasPrefix(f.Name, notTested) {
			r.figures = append(r.figures, f)
		}
	}
	return goOn
}

// roughLimit bounds a rough phase. A target that answers needs seconds.
const roughLimit = 2 * time.Minute

// addRough adds what the phase itself does not report: the outcome of its peers and
// messages, the death of the target, and what kept the phase from its end.
func (r *runner) addRough(word string, dead, err error, late bool) {
	deliveries := r.fleet.ledger.Totals()
	r.run.Failures = append(r.run.Failures, deliveries.Failures()...)
	for _, d := range deliveries.Doubts() { // a crowd, or an attack beside, may cost messages
		r.figures = append(r.figures, report.Figure{Profile: word, Name: roughDeliveries, Text: d.What, Value: float64(deliveries.Lost)})
	}
	doubt := func(what string) {
		r.run.Doubts = append(r.run.Doubts, verdict.Reason{About: word, What: word + ": " + what, Do: "look in the log of the target for why"})
	}
	blamed := word == "hostile" && len(r.run.Failures) > 0 // the input is named already
	switch n, cut := r.counters.failures(), r.fleet.cut.Load(); {
	case dead != nil && !blamed:
		r.run.Failures = append(r.run.Failures, verdict.Reason{About: word, What: word + ": " + dead.Error(), Do: "read its log"})
	case dead != nil:
	case err != nil:
		doubt(err.Error())
	case late:
		doubt(fmt.Sprintf("it was not over within %s", roughLimit))
	case n > 0 || cut > 0:
		doubt(fmt.Sprintf("%d peers failed, and the target or the network ended %d connections", n, cut))
	}
}
