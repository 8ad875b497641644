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

// Campaign is a whole leak test: a warm-up, a baseline, cycles with different numbers of peers
// in each scenario, and a reading after each cycle. It returns the run that package verdict
// judges.
//
//	run, err := campaign.Run(ctx)
//	v := verdict.Judge(run)
//
// The process should do nothing else meanwhile. A Campaign is used once, by one goroutine.
type Campaign struct {
	Name    string // of the run
	Command string // that repeats the run
	Crowd   Crowd

	// Peers returns the average number of peers of a scenario in a cycle; default 100.
	Peers  func(scenario string) int
	Cycles int // default 4; they are repeated if it is undecided whether something leaks
	// Fill is how many peers of a scenario come in the warm-up beyond its largest dose, so that what
	// is bounded, such as a cache of 256 entries, is full before the baseline.
	Fill map[string]int64
	// Trials is the number of further cycles if there is a leak and no leak is attributed to a
	// scenario: see verdict.Trials. Default 6; none if negative.
	Trials    int
	Detectors []detect.Detector // in the order of their readings
	// Departure has detectors of their own for what residents leave, read before they join and
	// after they have left; default Descriptors, Goroutines and Gauges. See Scenario.Residents.
	Departure []detect.Detector
	// Quiet returns an error while the target is still busy after all peers have left, in
	// addition to the gauges of an Inspector. A reading waits until it returns nil.
	Quiet func() error
	// Patience bounds the wait of a reading until the target is at rest. Default 10s.
	Patience time.Duration
	// Late is how long the target may hold what it lets go by itself, which is waited for if there
	// are leaks so far. Default detect.LateFor.
	Late time.Duration
	// Uncontrolled leaves out the check of the detectors by planted leaks.
	Uncontrolled bool
	// Progress is called with each step, if set.
	Progress func(string)

	run      verdict.Run
	empty    map[string]float64 // gauges of the target before the first peer
	idle     map[string]float64 // the same at rest, which is with the residents
	detector []verdict.Detector
	series   map[string]*verdict.Series
	dose     int64 // peers since the baseline
	began    time.Time
}

func init() { heap.OmitFramesOf((*Campaign).conclude) }

// Run makes the whole run. It returns an error if there is no run to judge. If a detector could
// not look, the run says so, and its verdict is invalid.
func (c *Campaign) Run(ctx context.Context) (verdict.Run, error) {
	c.prepare()
	defer c.Crowd.Release() // the readings come before it
	if err := c.readIdleGauges(ctx); err != nil {
		return c.run, err
	}
	c.empty = c.idle
	c.attribute()
	plan := c.plan()
	c.progress("warm-up")
	visitors, events := c.split(largest(plan))
	for scenario, n := range c.Fill {
		visitors[scenario] += n
	}
	c.addArrivals(c.Crowd.Send(ctx, 0, visitors))
	c.settle(ctx)
	c.admitResidents(ctx, events)
	if !c.Uncontrolled {
		c.progress("controls")
		c.checkDetectors(ctx)
	}
	c.progress("baseline")
	c.each(func(_ int, d detect.Detector, r *detect.Reading) error { return d.Baseline(ctx, r) }, detect.NewReading(0))
	c.record(0)
	for k, planned := range plan {
		if err := ctx.Err(); err != nil {
			return c.run, fmt.Errorf("campaign: cycle %d: %w", k+1, err)
		}
		c.progress(fmt.Sprintf("cycle %d of %d", k+1, len(plan)))
		c.cycle(ctx, k+1, planned)
	}
	if c.undecided(ctx) {
		for _, planned := range plan {
			c.progress(fmt.Sprintf("cycle %d, because it is undecided whether something leaks", len(c.run.Cycles)+1))
			c.cycle(ctx, len(c.run.Cycles)+1, planned)
		}
	}
	c.awaitLate(ctx)
	if c.unclear(ctx) {
		c.runTrials(ctx, plan)
		c.awaitLate(ctx)
	}
	c.progress("findings")
	c.conclude(ctx)
	c.dismissResidents(ctx)
	c.run.Duration = time.Since(c.began)
	return c.run, nil
}

func (c *Campaign) prepare() {
	c.began = time.Now()
	c.series = map[string]*verdict.Series{}
	if c.Late == 0 {
		c.Late = detect.LateFor
	}
	c.run = verdict.Run{Name: c.Name, Target: c.Crowd.Target.URL(), Command: c.Command, Seed: c.Crowd.Seed, Start: c.began}
	for _, s := range c.Crowd.Scenarios {
		c.run.Scenarios = append(c.run.Scenarios, verdict.Scenario{Name: s.Name, Unit: residentUnit(s)})
	}
	c.detector = make([]verdict.Detector, len(c.Detectors))
	for i, d := range c.Detectors {
		c.detector[i] = newState(d)
	}
}

// attribute gives the detectors what the campaign knows about the target.
func (c *Campaign) attribute() {
	by := detect.Attribution{Label: c.Crowd.DialledBy, Idle: c.empty}
	if target, ok := c.Crowd.Target.(interface{ Accepted() *detect.Accepted }); ok {
		by.Accepted = target.Accepted()
	}
	if target, ok := c.Crowd.Target.(Inspector); ok {
		by.Roots = target.Roots()
	}
	for _, d := range slices.Concat(c.Detectors, c.departure()) {
		if d, ok := d.(detect.Attributed); ok {
			d.Attribute(by)
		}
	}
}

// newState returns the state of a detector that has not read anything yet.
func newState(d detect.Detector) verdict.Detector {
	state := verdict.Detector{Name: d.Name(), State: verdict.Ready, Unit: d.Unit(), Noise: d.Noise()}
	if d, ok := d.(detect.Optional); ok {
		if why, do := d.Off(); why != "" {
			state.State, state.Why, state.Do = verdict.Off, why, do
		}
	}
	return state
}

// plan returns the doses of all cycles.
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

// largest returns the largest dose of each scenario, which is the dose of the warm-up.
func largest(plan []verdict.Cycle) map[string]int64 {
	doses := map[string]int64{}
	for _, cycle := range plan {
		for name, n := range cycle.Doses {
			doses[name] = max(doses[name], n)
		}
	}
	return doses
}

// cycle sends one crowd and reads the process.
func (c *Campaign) cycle(ctx context.Context, k int, planned verdict.Cycle) {
	arrivals := c.Crowd.Send(ctx, k, planned.Doses)
	if planned.Trial { // a life that failed in a trial does not make the run invalid
		c.run.Lives += arrivals.Lives()
	} else {
		c.addArrivals(arrivals)
	}
	if err := c.Crowd.reviveResidents(ctx); err != nil {
		c.residentsFailed(err)
	}
	c.progress("reading")
	c.settle(ctx)
	// Doses count all peers that came, because one whose life failed may have leaked, too.
	planned.Sessions = arrivals.Sessions
	c.run.Cycles = append(c.run.Cycles, planned)
	dose := planned.Peers()
	c.dose += dose
	r := detect.NewReading(dose)
	r.Trial = planned.Trial
	c.each(func(_ int, d detect.Detector, r *detect.Reading) error { return d.Cycle(ctx, r) }, r)
	c.record(k)
}

// runTrials makes the trials. It returns early, with the findings so far, if ctx ends.
func (c *Campaign) runTrials(ctx context.Context, plan []verdict.Cycle) {
	trials := verdict.Trials(plan, c.trials(), c.Crowd.Seed)
	for k, planned := range trials {
		if ctx.Err() != nil {
			return
		}
		c.progress(fmt.Sprintf("trial %d of %d", k+1, len(trials)))
		c.cycle(ctx, len(c.run.Cycles)+1, planned)
	}
}

func (c *Campaign) cycles() int {
	if c.Cycles > 0 {
		return c.Cycles
	}
	return 4
}

// addArrivals adds the arrivals of a crowd to the run.
func (c *Campaign) addArrivals(a Arrivals) {
	for i := range c.run.Scenarios {
		s := &c.run.Scenarios[i]
		s.Planned += a.Planned[s.Name]
		s.Landed += a.Landed[s.Name]
	}
	c.run.Lives += a.Lives()
	if err := a.Err(); err != nil { // the verdict counts them; this is the reason
		c.progress("a life failed: " + err.Error())
	}
}

// each calls look for each detector. A detector whose look fails is missing from then on.
func (c *Campaign) each(look func(i int, d detect.Detector, r *detect.Reading) error, r *detect.Reading) {
	for i, d := range c.Detectors {
		if c.detector[i].State != verdict.Ready {
			continue
		}
		if err := look(i, d, r); err != nil {
			c.markMissing(i, err)
		}
	}
}

func (c *Campaign) markMissing(i int, err error) {
	c.detector[i].State, c.detector[i].Why = verdict.Missing, err.Error()
}

// conclude adds the findings of the detectors to the run. It pauses the recording of allocations,
// because all readings are done, and to record those of the explanations would double its time.
func (c *Campaign) conclude(ctx context.Context) {
	defer heap.PauseAfterReading()()
	c.run.Findings = append(c.run.Findings, slices.Concat(c.findings(ctx)...)...)
	if target, ok := c.Crowd.Target.(Inspector); ok {
		if err := heap.Explain(ctx, target.Roots(), c.Crowd.ScenarioOf, c.run.Findings); err != nil {
			c.progress("no retaining paths for lines: " + err.Error()) // the findings still count
		}
	}
	c.run.Detectors = c.detector
	for _, name := range seriesOrder(c.series) {
		c.run.Series = append(c.run.Series, *c.series[name])
	}
}

func (c *Campaign) progress(step string) {
	if c.Progress != nil {
		c.Progress(step)
	}
}
