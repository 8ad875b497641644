package harness

import (
	"context"
	"maps"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// departed names the residents in a run as they leave.
const departed = "resident-leave"

// residentUnit returns the unit of the doses of a scenario, see verdict.Scenario.
func residentUnit(s Scenario) string {
	if s.Residents > 0 {
		return verdict.PerEvent
	}
	return ""
}

// split returns the doses of the scenarios of visitors and of residents.
func (c *Campaign) split(doses map[string]int64) (visitors, events map[string]int64) {
	visitors, events = maps.Clone(doses), map[string]int64{}
	for _, s := range c.Crowd.Scenarios {
		if s.Residents > 0 {
			events[s.Name] = doses[s.Name]
			delete(visitors, s.Name)
		}
	}
	return visitors, events
}

// admitResidents reads the empty target, joins the residents and lets them see events, as many as
// in a large cycle. What they hold from then on is at rest.
func (c *Campaign) admitResidents(ctx context.Context, events map[string]int64) {
	if len(events) == 0 {
		return
	}
	c.progress("residents")
	if err := c.departure().Baseline(ctx, detect.NewReading(0)); err != nil {
		c.residentsFailed(err)
	}
	if err := c.Crowd.JoinResidents(ctx); err != nil {
		c.residentsFailed(err)
	}
	if err := c.readIdleGauges(ctx); err != nil {
		c.residentsFailed(err)
	}
	c.addArrivals(c.Crowd.Send(ctx, 0, events))
	c.stir(ctx, events)
}

// residentsFailed makes the run invalid.
func (c *Campaign) residentsFailed(err error) {
	c.run.Problems = append(c.run.Problems, verdict.Reason{About: "residents", What: "the residents could not stay: " + err.Error()})
}

// The rounds of stir, and the events of each scenario in a round.
const (
	stirRounds = 8
	stirEvents = 2
)

// stir lets the residents see a few events at a time, so that detectors can learn how much a
// count moves with them without a leak: the list of a network's members may have a few free slots.
func (c *Campaign) stir(ctx context.Context, events map[string]int64) {
	few := map[string]int64{}
	for name := range events {
		few[name] = stirEvents
	}
	for range stirRounds {
		c.addArrivals(c.Crowd.Send(ctx, 0, few))
		if err := c.Crowd.reviveResidents(ctx); err != nil {
			c.residentsFailed(err)
		}
		c.settle(ctx)
		c.each(func(_ int, d detect.Detector, _ *detect.Reading) error {
			if d, ok := d.(detect.Stirred); ok {
				return d.Stir(ctx)
			}
			return nil
		}, nil)
	}
}

// departure returns Departure with its default.
func (c *Campaign) departure() detect.Detectors {
	if c.Departure == nil {
		c.Departure = []detect.Detector{&detect.Descriptors{}, &detect.Goroutines{}}
		if target, ok := c.Crowd.Target.(Inspector); ok {
			c.Departure = append(c.Departure, &detect.Gauges{Target: target})
		}
	}
	return c.Departure
}

// dismissResidents disconnects the residents and adds what they leave to the run. If the run has
// leaks, what is left is theirs.
func (c *Campaign) dismissResidents(ctx context.Context) {
	if c.Crowd.residents == nil {
		return
	}
	c.progress("the residents leave")
	left, err := c.Crowd.LeaveResidents(ctx)
	if err != nil {
		c.residentsFailed(err)
	}
	if len(c.leaks(c.run.Findings)) > 0 {
		return
	}
	found, err := c.readDeparture(ctx, left)
	if err != nil {
		c.residentsFailed(err)
	}
	c.run.Scenarios = append(c.run.Scenarios, verdict.Scenario{Name: departed, Planned: left, Landed: left, Unit: verdict.PerResident})
	c.run.Findings = append(c.run.Findings, found...)
}

// readDeparture returns what the residents left.
func (c *Campaign) readDeparture(ctx context.Context, residents int64) ([]verdict.Finding, error) {
	c.idle = c.empty
	c.settle(ctx)
	found, err := c.departure().Left(ctx, residents, c.Late)
	for i := range found { // these do not count by cycle
		found[i].PerCycle, found[i].PerScenario = nil, map[string]int64{departed: found[i].Count}
	}
	return found, err
}
