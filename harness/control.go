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

// controlDoses are the doses of a dry run: primes whose product proves a leak.
var controlDoses = []int64{1009, 1013}

// checkDetectors checks the detectors before the baseline of the run. In a first dry run nothing
// happens, and no detector may report a finding. In a second one, each detector has a planted
// leak and must find it. A detector that fails makes the run invalid. The planted leaks are
// removed afterwards.
func (c *Campaign) checkDetectors(ctx context.Context) {
	still := c.dryRun(ctx, make([]detect.Plant, len(c.Detectors)))
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
	grown := c.dryRun(ctx, plants)
	if grown == nil {
		return
	}
	for i, d := range c.Detectors {
		if c.detector[i].State == verdict.Ready {
			c.addControls(d, plants[i], still[i], grown[i])
		}
	}
}

// addControls adds the results of the dry runs for a detector to the run.
func (c *Campaign) addControls(d detect.Detector, p detect.Plant, still, grown []verdict.Finding) {
	still = slices.DeleteFunc(still, func(f verdict.Finding) bool {
		return f.Class == verdict.Invariant // a true finding, if the warm-up has broken it
	})
	idle := verdict.Control{Name: "nothing happens, " + d.Name(), Caught: len(still) > 0, Detail: firstDetail(still)}
	if idle.Failed() { // the passed ones would be too many to list
		c.run.Controls = append(c.run.Controls, idle)
	}
	planted := verdict.Control{Name: "planted for " + d.Name(), Planted: true}
	if p.Is == nil {
		planted.Detail = "the detector has no method Plant, so nothing shows that it finds a leak"
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

// controlGrace bounds the wait of a dry run for goroutines and descriptors that end late. The
// planted ones stay.
const controlGrace = 250 * time.Millisecond

// dryRun takes a baseline and a reading for each of controlDoses. It returns the findings of each
// detector, nil if a leak could not be planted.
func (c *Campaign) dryRun(ctx context.Context, plants []detect.Plant) [][]verdict.Finding {
	defer c.shorten(controlGrace)()
	c.each(func(_ int, d detect.Detector, r *detect.Reading) error { return d.Baseline(ctx, r) }, detect.NewReading(0))
	for k, dose := range controlDoses {
		for _, p := range plants {
			if p.Grow == nil {
				continue
			}
			if err := p.Grow(dose, k == len(controlDoses)-1); err != nil {
				c.plantFailed(err)
				return nil
			}
		}
		c.each(func(i int, d detect.Detector, r *detect.Reading) error {
			read := func() error { return d.Cycle(ctx, r) }
			if plants[i].During == nil {
				return read()
			}
			defer c.settle(ctx) // before the next detector reads the target
			return plants[i].During(ctx, read)
		}, detect.NewReading(dose))
	}
	return c.findings(ctx)
}

// plantFailed makes the run invalid, because its detectors are not checked.
func (c *Campaign) plantFailed(err error) {
	c.run.Problems = append(c.run.Problems, verdict.Reason{About: "controls", What: "the controls could not be planted: " + err.Error()})
}

// join connects a peer to the target until leave is called. If it fails, the run is invalid for
// that reason, and the detector is not to blame.
func (c *Campaign) join(ctx context.Context) (leave func(), err error) {
	peer := NewPeer(c.Crowd.Target, "control", wire.NewPeerID())
	peer.HubKey = c.Crowd.Token
	ctx, cancel := context.WithTimeout(ctx, c.Crowd.lifeLimit())
	defer cancel()
	join := c.Crowd.Join
	if join == nil {
		join = joinHome
	}
	if err := join(ctx, &Visit{Peer: peer, Home: "planted", HubKey: c.Crowd.HubKey, Rand: c.Crowd.rand(0, 0, 0)}); err != nil {
		c.plantFailed(err)
	}
	return peer.dropAll, nil
}
