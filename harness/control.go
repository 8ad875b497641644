package harness

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// controlDoses are the doses of a rehearsal: primes that make a proof.
var controlDoses = []int64{1009, 1013}

// control checks the detectors in the run itself, before its baseline. First nothing
// happens for two readings, and none may report anything; then leaks are planted, one for
// each detector, and each must find its own. A detector that is wrong here makes the run
// invalid. What was planted is taken away again.
func (c *Campaign) control(ctx context.Context) {
	still := c.rehearse(ctx, make([]detect.Plant, len(c.Detectors)))
	plants := make([]detect.Plant, len(c.Detectors))
	defer c.settle(ctx)
	for i, d := range c.Detectors {
		if d, ok := d.(detect.Controlled); ok {
			plants[i] = d.Plant(c.join)
			if plants[i].Remove != nil {
				defer plants[i].Remove()
			}
		}
	}
	grown := c.rehearse(ctx, plants)
	if grown == nil {
		return
	}
	for i, d := range c.Detectors {
		if c.detector[i].State == verdict.Ready {
			c.noteControls(d, plants[i], still[i], grown[i])
		}
	}
}

// noteControls adds what the rehearsals say of a detector to the run.
func (c *Campaign) noteControls(d detect.Detector, p detect.Plant, still, grown []verdict.Finding) {
	still = slices.DeleteFunc(still, func(f verdict.Finding) bool {
		return f.Class == verdict.Invariant // the warm-up may have broken it: no false finding
	})
	idle := verdict.Control{Name: "nothing happens, " + d.Name(), Caught: len(still) > 0, Detail: firstDetail(still)}
	if idle.Failed() { // those that hold are too many to list
		c.run.Controls = append(c.run.Controls, idle)
	}
	planted := verdict.Control{Name: "planted for " + d.Name(), Planted: true}
	if p.Is == nil {
		planted.Detail = "the detector has no method Plant: nothing shows that it sees a leak"
	} else {
		planted.Caught = slices.ContainsFunc(grown, p.Is)
	}
	c.run.Controls = append(c.run.Controls, planted)
}

func firstDetail(found []verdict.Finding) string {
	if len(found) == 0 {
		return ""
	}
	f := found[0]
	return fmt.Sprintf("%s %s %s %s: %d %v %.300s", f.Class, f.Type, f.Born, f.Field, f.Count, f.PerCycle, f.Detail)
}

// controlGrace is how long a rehearsal waits for what ends late: what is planted stays
// for certain.
const controlGrace = 250 * time.Millisecond

// rehearse takes a baseline and two readings, and returns what each detector finds in
// them; nil if a leak could not be planted.
func (c *Campaign) rehearse(ctx context.Context, plants []detect.Plant) [][]verdict.Finding {
	defer c.shorten(controlGrace)()
	c.each(func(_ int, d detect.Detector, r *detect.Reading) error { return d.Baseline(ctx, r) }, detect.NewReading(0))
	for k, dose := range controlDoses {
		for _, p := range plants {
			if p.Grow == nil {
				continue
			}
			if err := p.Grow(dose, k == len(controlDoses)-1); err != nil {
				c.unplanted(err)
				return nil
			}
		}
		c.each(func(i int, d detect.Detector, r *detect.Reading) error {
			read := func() error { return d.Cycle(ctx, r) }
			if plants[i].During == nil {
				return read()
			}
			defer c.settle(ctx) // before another detector walks through the target
			return plants[i].During(ctx, read)
		}, detect.NewReading(dose))
	}
	return c.findings(ctx)
}

// unplanted makes the run invalid: it is not known whether its detectors work.
func (c *Campaign) unplanted(err error) {
	c.run.Problems = append(c.run.Problems, verdict.Reason{About: "controls", What: "the controls could not be planted: " + err.Error()})
}

// join connects a peer to the target until leave is called. If it cannot, the run is
// invalid for that, and not for the detector that asked.
func (c *Campaign) join(ctx context.Context) (leave func(), err error) {
	peer := NewPeer(c.Crowd.Target, "control", wire.NewPeerID())
	ctx, cancel := context.WithTimeout(ctx, c.Crowd.lifeLimit())
	defer cancel()
	if err := peer.Join(ctx, "planted"); err != nil {
		c.unplanted(err)
	}
	return peer.leaveNothing, nil
}
