package harness

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Campaign is a whole leak test: a warm-up, a baseline, cycles in which other
// numbers of peers go through each scenario, a reading after each, and the run
// that package verdict judges.
//
//	run, err := campaign.Run(ctx)
//	v := verdict.Judge(run)
//
// The process should do nothing else meanwhile. It is used once, by one goroutine.
type Campaign struct {
	Name    string // of what runs
	Command string // that runs it again
	Crowd   Crowd

	// Peers says how many peers to put through a scenario in a cycle, on average;
	// default 100 for each.
	Peers  func(scenario string) int
	Cycles int // default 4
	// Trials are cycles more that are made if there is a leak but of none it is clear which
	// scenario leaks: see verdict.Trials. Default 6; none if negative.
	Trials    int
	Detectors []detect.Detector // in the order in which they look
	// Quiet says what is still going on after all peers have gone, beyond what the
	// gauges of an Inspector say; nil if nothing. A reading waits for it.
	Quiet func() error
	// Patience is how long a reading waits for the target to come to rest; then it
	// reads what there is. Default 10s.
	Patience time.Duration
	// Uncontrolled leaves out the controls: see prove.
	Uncontrolled bool
	// Progress is told what is being done, if set.
	Progress func(string)

	run      verdict.Run
	rest     map[string]float64 // gauges of the target before anybody came
	detector []verdict.Detector
	series   map[string]*verdict.Series
	dose     int64 // peers so far, from the baseline on
	began    time.Time
}

func init() { heap.OmitFramesOf((*Campaign).conclude) }

// Run does it all. The error says that the run could not be made; what could not
// be seen in it is in the run, which is then judged invalid.
func (c *Campaign) Run(ctx context.Context) (verdict.Run, error) {
	c.prepare()
	defer c.Crowd.Release() // what lingers has been seen by the end
	if err := c.noteRest(); err != nil {
		return c.run, err
	}
	plan := c.plan()
	c.say("warm-up")
	arrivals := c.Crowd.Send(ctx, 0, largest(plan))
	c.note(arrivals)
	c.settle(ctx)
	if !c.Uncontrolled {
		c.say("controls")
		c.control(ctx)
	}
	c.say("baseline")
	c.each(func(_ int, d detect.Detector, r *detect.Reading) error { return d.Baseline(ctx, r) }, detect.NewReading(0))
	c.record(0)
	for k, planned := range plan {
		if err := ctx.Err(); err != nil {
			return c.run, fmt.Errorf("campaign: cycle %d: %w", k+1, err)
		}
		c.say(fmt.Sprintf("cycle %d of %d", k+1, len(plan)))
		c.cycle(ctx, k+1, planned)
	}
	if c.unclear(ctx) {
		c.try(ctx, plan)
	}
	c.say("findings")
	c.conclude(ctx)
	return c.run, nil
}

func (c *Campaign) prepare() {
	c.began = time.Now()
	c.series = map[string]*verdict.Series{}
	c.run = verdict.Run{Name: c.Name, Target: c.Crowd.Target.URL(), Command: c.Command, Seed: c.Crowd.Seed, Start: c.began}
	for _, s := range c.Crowd.Scenarios {
		c.run.Scenarios = append(c.run.Scenarios, verdict.Scenario{Name: s.Name})
	}
	c.attribute()
	c.detector = make([]verdict.Detector, len(c.Detectors))
	for i, d := range c.Detectors {
		c.detector[i] = newState(d)
	}
}

// attribute gives the detectors what is known of connections.
func (c *Campaign) attribute() {
	by := detect.Attribution{Label: c.Crowd.DialledBy}
	if target, ok := c.Crowd.Target.(interface{ Accepted() *detect.Accepted }); ok {
		by.Accepted = target.Accepted()
	}
	if target, ok := c.Crowd.Target.(Inspector); ok {
		by.Roots = target.Roots()
	}
	for _, d := range c.Detectors {
		if d, ok := d.(detect.Attributed); ok {
			d.Attribute(by)
		}
	}
}

// newState returns the state of a detector that is ready.
func newState(d detect.Detector) verdict.Detector {
	return verdict.Detector{Name: d.Name(), State: verdict.Ready, Unit: d.Unit(), Noise: d.Noise()}
}

// plan is the doses of all cycles.
func (c *Campaign) plan() []verdict.Cycle {
	var names []string
	for _, s := range c.Crowd.Scenarios {
		names = append(names, s.Name)
	}
	peers := c.Peers
	if peers == nil {
		peers = func(string) int { return 100 }
	}
	return verdict.Doses(names, c.cycles(), peers, c.Crowd.Seed)
}

// largest is the largest dose of each scenario: the warm-up has as many peers as
// any cycle will have.
func largest(plan []verdict.Cycle) map[string]int64 {
	doses := map[string]int64{}
	for _, cycle := range plan {
		for name, n := range cycle.Doses {
			doses[name] = max(doses[name], n)
		}
	}
	return doses
}

// cycle sends one crowd and reads what it left.
func (c *Campaign) cycle(ctx context.Context, k int, planned verdict.Cycle) {
	arrivals := c.Crowd.Send(ctx, k, planned.Doses)
	if planned.Trial { // a peer that came too late makes a run invalid, but not what it had found before
		c.run.Lives += arrivals.Lives()
	} else {
		c.note(arrivals)
	}
	c.say("reading")
	c.settle(ctx)
	// Doses are the peers that came, whether or not all went as planned: who has
	// been there can have been leaked.
	planned.Sessions = arrivals.Sessions
	c.run.Cycles = append(c.run.Cycles, planned)
	var dose int64
	for _, n := range planned.Doses {
		dose += n
	}
	c.dose += dose
	r := detect.NewReading(dose)
	r.Trial = planned.Trial
	c.each(func(_ int, d detect.Detector, r *detect.Reading) error { return d.Cycle(ctx, r) }, r)
	c.record(k)
}

// try makes the trials. What was found stays found if there is no time for them.
func (c *Campaign) try(ctx context.Context, plan []verdict.Cycle) {
	trials := verdict.Trials(plan, c.trials(), c.Crowd.Seed)
	for k, planned := range trials {
		if ctx.Err() != nil {
			return
		}
		c.say(fmt.Sprintf("trial %d of %d", k+1, len(trials)))
		c.cycle(ctx, len(plan)+k+1, planned)
	}
}

func (c *Campaign) cycles() int {
	if c.Cycles > 0 {
		return c.Cycles
	}
	return 4
}

// note adds up who landed.
func (c *Campaign) note(a Arrivals) {
	for i := range c.run.Scenarios {
		s := &c.run.Scenarios[i]
		s.Planned += a.Planned[s.Name]
		s.Landed += a.Landed[s.Name]
	}
	c.run.Lives += a.Lives()
	if err := a.Err(); err != nil { // if too many did not land the verdict says so, and this says why
		c.say("a life went wrong: " + err.Error())
	}
}

// each has every detector look. One that cannot is missing from then on.
func (c *Campaign) each(look func(i int, d detect.Detector, r *detect.Reading) error, r *detect.Reading) {
	for i, d := range c.Detectors {
		if c.detector[i].State != verdict.Ready {
			continue
		}
		if err := look(i, d, r); err != nil {
			c.miss(i, err)
		}
	}
}

func (c *Campaign) miss(i int, err error) {
	c.detector[i].State, c.detector[i].Why = verdict.Missing, err.Error()
}

// conclude asks the detectors what they found, and fills in the run. Everything has been
// read by now, and what explains it allocates so much that to record all of that would
// take as long again.
func (c *Campaign) conclude(ctx context.Context) {
	defer heap.PauseAfterReading()()
	c.run.Findings = append(c.run.Findings, slices.Concat(c.findings(ctx)...)...)
	if target, ok := c.Crowd.Target.(Inspector); ok {
		if err := heap.Explain(ctx, target.Roots(), c.Crowd.ScenarioOf, c.run.Findings); err != nil {
			c.say("no retaining paths of lines: " + err.Error()) // what was found stays found
		}
	}
	c.run.Detectors = c.detector
	c.run.Duration = time.Since(c.began)
	for _, name := range seriesOrder(c.series) {
		c.run.Series = append(c.run.Series, *c.series[name])
	}
}

func (c *Campaign) say(what string) {
	if c.Progress != nil {
		c.Progress(what)
	}
}
