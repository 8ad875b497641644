package detect

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/source"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Inspected is a target that gives its gauges and its state to a detector.
type Inspected interface {
	// Gauges returns how much the target holds, by name. All gauges must return to their
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
	// GaugeClass returns the class of what a gauge counts, verdict.Gauge if it is none of
	// the other classes.
	GaugeClass(name string) verdict.Class
}

// Gauges finds what the hub itself says it holds when nobody is connected: gauges
// that are not back at their baseline, and a consistency check that fails. It is
// how a counter that drifts is found, which costs no memory and one day refuses
// everybody. For a gauge named after a field of a root ("hub.Hub.refused") it says
// where the source counts that up, if the source is there; a program built with an
// overlay must have it in GOFLAGS when it runs, too.
//
// It believes the hub: what no gauge counts it does not see.
type Gauges struct {
	Target Inspected

	base   map[string]float64
	cycles []map[string]float64
	brief  bool     // to say nothing of places, which takes long
	broken []string // what the consistency check said, by cycle; "" for nothing
}

// Name implements Detector.
func (g *Gauges) Name() string { return "gauges" }

// Unit implements Detector.
func (g *Gauges) Unit() string { return "count" }

// Noise implements Detector.
func (g *Gauges) Noise() float64 { return 0 }

// Plant implements Controlled by a peer that is there while it reads.
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

// Shorten implements Brief: without places.
func (g *Gauges) Shorten(time.Duration) (restore func()) {
	g.brief = true
	return func() { g.brief = false }
}

// Baseline reads the gauges.
func (g *Gauges) Baseline(context.Context, *Reading) error {
	base, err := g.Target.Gauges()
	if err != nil {
		return err
	}
	if len(base) == 0 {
		return fmt.Errorf("gauges: the target has none")
	}
	g.base, g.cycles, g.broken = base, nil, nil
	return nil
}

// Cycle reads them again, and has the hub check itself.
func (g *Gauges) Cycle(context.Context, *Reading) error {
	if g.base == nil {
		return ErrNoBaseline
	}
	now, err := g.Target.Gauges()
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

// Findings returns a finding for each gauge above its baseline, or below it, which
// is a count that was given back twice, and one for the consistency check.
func (g *Gauges) Findings(context.Context) ([]verdict.Finding, error) {
	if len(g.cycles) == 0 {
		return nil, ErrNoCycle
	}
	var findings []verdict.Finding
	counters := &source.Counters{Roots: g.Target.Roots()}
	for _, name := range g.names() {
		f := verdict.Finding{Detector: g.Name(), Class: verdict.Gauge, Field: name, PerCycle: g.growth(name)}
		if f.Count = sum(f.PerCycle); f.Count == 0 {
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

// names are the gauges of the baseline and those that came later, at zero.
func (g *Gauges) names() []string {
	all := maps.Clone(g.base)
	for _, c := range g.cycles {
		maps.Copy(all, c)
	}
	return slices.Sorted(maps.Keys(all))
}

func (g *Gauges) growth(name string) []int64 {
	var growth []int64
	before := g.base[name]
	for _, c := range g.cycles {
		growth = append(growth, int64(c[name]-before))
		before = c[name]
	}
	return growth
}

// inconsistent returns the last failure of the hub's own check.
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
