package detect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/source"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Inspected is a target whose gauges and state a detector can read.
type Inspected interface {
	// Gauges returns how much the target holds, by name. Every gauge must return to its
	// baseline when the peers have left.
	Gauges() (map[string]float64, error)
	// Check runs the target's consistency check.
	Check() error
	// Roots returns pointers that lead to all state of the target, by name, for Census and
	// heap.Retainers.
	Roots() map[string]any
}

// Classifier is an Inspected that knows what its gauges count.
type Classifier interface {
	// GaugeClass returns the class of what a gauge counts, verdict.Gauge if no other class
	// fits.
	GaugeClass(name string) verdict.Class
}

// Gauges finds gauges of the target that do not return to their baseline, and a consistency
// check that fails. It finds counters that drift: these cost no memory, but a drifting limit
// refuses every peer one day.
//
// For a gauge named after a field of a root ("hub.Hub.refused") it reports where the source
// changes that field, if the source is there. A program that was built with an overlay must
// run with it in GOFLAGS, too. What no gauge counts it does not see.
type Gauges struct {
	Target Inspected
	// Idle are the gauges before the first peer, if known. A gauge that falls from its baseline
	// to no less than that was held at the baseline by something that has ended since.
	Idle map[string]float64

	base   map[string]float64
	cycles []map[string]float64
	brief  bool     // leave out places, which take long
	broken []string // the error of the consistency check by cycle, "" for none
}

// Name implements Detector.
func (g *Gauges) Name() string { return "gauges" }

// Attribute implements Attributed.
func (g *Gauges) Attribute(a Attribution) { g.Idle = a.Idle }

// Unit implements Detector.
func (g *Gauges) Unit() string { return "count" }

// Noise implements Detector.
func (g *Gauges) Noise() float64 { return 0 }

// Plant implements Controlled with a peer that is connected during the reading.
func (g *Gauges) Plant(join func(context.Context) (leave func(), err error)) Plant {
	return Plant{
		During: func(ctx context.Context, read func() error) error {
			leave, err := join(ctx)
			if err != nil {
				return err
			}
			defer leave()
			return read()
		},
		Is: func(f verdict.Finding) bool {
			return f.Class != verdict.Invariant && len(f.PerCycle) > 0 && f.PerCycle[0] > 0
		},
	}
}

// Shorten implements Brief. It leaves out places.
func (g *Gauges) Shorten(time.Duration) (restore func()) {
	g.brief = true
	return func() { g.brief = false }
}

// Baseline reads the gauges.
func (g *Gauges) Baseline(ctx context.Context, _ *Reading) error {
	base, err := LeastGauges(ctx, g.Target)
	if err != nil {
		return err
	}
	if len(base) == 0 {
		return errors.New("gauges: the target has no gauges")
	}
	g.base, g.cycles, g.broken = base, nil, nil
	return nil
}

// Cycle reads the gauges again and runs the consistency check.
func (g *Gauges) Cycle(ctx context.Context, _ *Reading) error {
	if g.base == nil {
		return ErrNoBaseline
	}
	now, err := LeastGauges(ctx, g.Target)
	if err != nil {
		return err
	}
	broken := ""
	if err := g.Target.Check(); err != nil {
		broken = err.Error()
	}
	g.cycles, g.broken = append(g.cycles, now), append(g.broken, broken)
	return nil
}

// The looks of LeastGauges, and the pause between two.
const (
	gaugeLooks = 3
	gaugePause = 5 * time.Millisecond
)

// LeastGauges returns the least of several readings of each gauge. A ping to a peer that stays
// waits in its queue for some microseconds, and a reading may come just then.
func LeastGauges(ctx context.Context, target Inspected) (map[string]float64, error) {
	least, err := target.Gauges()
	for look := 1; err == nil && look < gaugeLooks && settle.Pause(ctx, gaugePause); look++ {
		var now map[string]float64
		now, err = target.Gauges()
		for name := range least {
			least[name] = min(least[name], now[name])
		}
	}
	return least, err
}

// Findings returns a finding for each gauge that is not at its baseline, and one for the
// consistency check. A gauge below its baseline was lowered twice.
func (g *Gauges) Findings(context.Context) ([]verdict.Finding, error) {
	if len(g.cycles) == 0 {
		return nil, ErrNoCycle
	}
	var findings []verdict.Finding
	counters := &source.Counters{Roots: g.Target.Roots()}
	for _, name := range g.names() {
		f := verdict.Finding{Detector: g.Name(), Class: verdict.Gauge, Field: name, PerCycle: g.growth(name)}
		if f.Count = sum(f.PerCycle); f.Count == 0 || f.Count < 0 && g.fellToIdle(name) {
			continue
		}
		if c, ok := g.Target.(Classifier); ok {
			f.Class = c.GaugeClass(name)
		}
		f.Detail = fmt.Sprintf("%g at the baseline, %g in the end", g.base[name], g.cycles[len(g.cycles)-1][name])
		below := f.Count < 0
		if below {
			f.Count, f.PerCycle = -f.Count, nil
			f.Detail += ": given back more often than taken"
		}
		if !g.brief {
			counters.Explain(&f, below)
		}
		findings = append(findings, f)
	}
	return append(findings, g.inconsistent()...), nil
}

// fellToIdle reports whether a gauge is known to have been lower than at the baseline, and is not
// below that.
func (g *Gauges) fellToIdle(name string) bool {
	idle, known := g.Idle[name]
	return known && g.cycles[len(g.cycles)-1][name] >= idle
}

// names returns the gauges of the baseline and of all cycles. One that came later was 0 before.
func (g *Gauges) names() []string {
	all := maps.Clone(g.base)
	for _, c := range g.cycles {
		maps.Copy(all, c)
	}
	return slices.Sorted(maps.Keys(all))
}

func (g *Gauges) growth(name string) []int64 {
	return perCycle(g.base, g.cycles, func(now map[string]float64) int64 { return int64(now[name]) })
}

// inconsistent returns a finding with the last failure of the consistency check.
func (g *Gauges) inconsistent() []verdict.Finding {
	failed, text := int64(0), ""
	for _, s := range g.broken {
		if s != "" {
			failed, text = failed+1, s
		}
	}
	if failed == 0 {
		return nil
	}
	return []verdict.Finding{{Detector: g.Name(), Class: verdict.Invariant, Count: failed, Detail: fmt.Sprintf("%.4000s", text)}}
}
