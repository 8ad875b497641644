package harness

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// prove checks the detectors in the run itself, before its baseline. First nothing
// happens for two readings, and none may report anything; then leaks are planted,
// one for each kind of detector, and each must find its own. A detector that is
// wrong here makes the run invalid. What was planted is taken away again.
func (c *Campaign) prove(ctx context.Context) {
	still := c.rehearse(ctx, func(int) error { return nil }, nil)
	p := &plant{crowd: &c.Crowd}
	defer c.settle(ctx)
	defer p.remove()
	restore := p.growIn(c.Detectors)
	defer restore()
	grown := c.rehearse(ctx, p.grow, p)
	if grown == nil {
		return
	}
	for i, d := range c.Detectors {
		if c.detector[i].State != verdict.Ready {
			continue
		}
		still[i] = slices.DeleteFunc(still[i], func(f verdict.Finding) bool {
			return f.Class == verdict.Invariant // which the warm-up may have broken: that is a finding, and no false one
		})
		idle := verdict.Control{Name: "nothing happens, " + d.Name(), Caught: len(still[i]) > 0, Detail: firstDetail(still[i])}
		if idle.Failed() { // those that hold are too many to list
			c.run.Controls = append(c.run.Controls, idle)
		}
		c.run.Controls = append(c.run.Controls, verdict.Control{Name: "planted for " + d.Name(), Planted: true, Caught: slices.ContainsFunc(grown[i], func(f verdict.Finding) bool { return isOfPlant(d, f) })})
	}
}

func firstDetail(found []verdict.Finding) string {
	if len(found) == 0 {
		return ""
	}
	f := found[0]
	return fmt.Sprintf("%s %s %s %s: %d %v %.300s", f.Class, f.Type, f.Born, f.Field, f.Count, f.PerCycle, f.Detail)
}

// controlDoses are the doses of a rehearsal: primes that make a proof.
var controlDoses = []int64{1009, 1013}

// rehearse is a baseline and two readings, and what each detector finds in them; nil
// if what was to happen could not.
func (c *Campaign) rehearse(ctx context.Context, happen func(cycle int) error, p *plant) [][]verdict.Finding {
	// What is planted stays for certain: it need not be waited for.
	defer c.hasten(250 * time.Millisecond)()
	c.each(func(d Detector, r *Reading) error { return d.Baseline(ctx, r) }, NewReading(0))
	for k, dose := range controlDoses {
		if err := happen(k); err != nil {
			c.unplanted(err)
			return nil
		}
		c.each(func(d Detector, r *Reading) error {
			if _, ok := d.(*Gauges); ok && p != nil {
				return c.withPeer(ctx, p, func() error { return d.Cycle(ctx, r) })
			}
			return d.Cycle(ctx, r)
		}, NewReading(dose))
	}
	return c.glance(ctx)
}

// unplanted makes the run invalid: nobody knows whether its detectors work.
func (c *Campaign) unplanted(err error) {
	c.run.Problems = append(c.run.Problems, verdict.Reason{About: "controls", What: "the controls could not be planted: " + err.Error()})
}

// plant is one leak of each kind.
type plant struct {
	crowd *Crowd
	ctx   context.Context

	watches []*Watch
	spins   bool

	entries map[int64]int64 // for Census
	objects []*[3]*int      // for Sites, and two of them for Watch
	timers  []*time.Timer
	files   []*os.File
	stop    context.CancelFunc // of the goroutines
}

// growIn notes which detectors there are, and gives Census the planted map for a
// root. The caller calls restore when done.
func (p *plant) growIn(detectors []Detector) (restore func()) {
	p.entries = map[int64]int64{}
	ctx, stop := context.WithCancel(context.Background())
	p.ctx, p.stop = ctx, stop
	restore = func() {}
	for _, d := range detectors {
		switch d := d.(type) {
		case *Watch:
			p.watches = append(p.watches, d)
		case *Quiet:
			p.spins = true
		case *Census:
			roots, others := d.Roots, restore
			d.Roots = map[string]any{"planted": &p.entries}
			maps.Copy(d.Roots, roots)
			restore = func() {
				d.Roots = roots
				others()
			}
		}
	}
	return restore
}

// grow plants once more: of what has to grow in each cycle as many as the dose, and
// in the last cycle one thing of every other kind, for each reading waits until those
// do not change.
func (p *plant) grow(cycle int) error {
	for i := range controlDoses[cycle] {
		p.entries[int64(cycle)<<32|i] = i
		p.objects = append(p.objects, plantObject())
	}
	p.timers = append(p.timers, plantTimer())
	if cycle < len(controlDoses)-1 {
		return nil
	}
	go plantedGoroutine(p.ctx)
	if p.spins {
		go plantedSpin(p.ctx)
	}
	for _, w := range p.watches {
		if err := w.Add(p.objects[len(p.objects)-1], "planted/object"); err != nil {
			return err
		}
	}
	if err := p.openFiles(); err != nil {
		return err
	}
	return nil
}

// withPeer reads the hub's gauges while a peer is there. It has gone again before
// anybody walks through the hub: a session that lives changes meanwhile.
func (c *Campaign) withPeer(ctx context.Context, p *plant, read func() error) error {
	peer := NewPeer(p.crowd.Target, "who stays", wire.NewPeerID())
	defer c.settle(ctx)
	defer peer.leaveNothing()
	limited, cancel := context.WithTimeout(p.ctx, p.crowd.lifeLimit())
	defer cancel()
	if err := peer.Join(limited, "planted"); err != nil {
		c.unplanted(err)
	}
	return read()
}

// isOfPlant reports whether a finding is what was planted for the detector and not
// another thing that happened meanwhile: by its place or its counts, where detectors
// of that kind tell them.
func isOfPlant(d Detector, f verdict.Finding) bool {
	switch d.(type) {
	case *Census:
		return slices.Equal(f.PerCycle, controlDoses)
	case *Sites, *Timers:
		return isPlanted(f.Born.Function)
	case *Goroutines, *Watch:
		return f.Born.Function == own.grow
	}
	return true
}

// openFiles leaves one file open, and forgets another, which the collector closes.
func (p *plant) openFiles() error {
	kept, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	p.files = append(p.files, kept)
	_, err = os.Open(os.DevNull)
	return err
}

// remove takes everything away.
func (p *plant) remove() {
	p.stop()
	for _, t := range p.timers {
		t.Stop()
	}
	for _, f := range p.files {
		f.Close()
	}
	clear(p.entries)
	p.objects, p.timers = nil, nil
}

// What follows is what Sites and Timers see although it is in this package: see
// isPlanted.

//go:noinline
func plantObject() *[3]*int { return new([3]*int) }

//go:noinline
func plantTimer() *time.Timer { return time.AfterFunc(time.Hour, func() {}) }

func plantedGoroutine(ctx context.Context) { <-ctx.Done() }

func plantedSpin(ctx context.Context) {
	for ctx.Err() == nil {
		runtime.Gosched()
	}
}

// isPlanted reports whether a function of this package makes what detectors are
// to find.
func isPlanted(function string) bool {
	return function == own.plantObject || function == own.plantTimer
}
