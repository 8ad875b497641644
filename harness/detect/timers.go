package detect

import (
	"context"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect/internal/planted"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Timers finds timers that are never stopped and contexts that are never cancelled. It counts
// the live objects of both by the line that makes them, because the runtime does not tell how
// many timers wait. Its limits are in the package documentation.
//
// It needs RecordAll, and one cycle. The zero value is ready to use.
type Timers struct {
	// Ignore reports whether a line does not count. The stack begins with the innermost
	// frame outside of the runtime.
	Ignore func(stack []verdict.Site) bool

	base   *heap.Profile
	cycles []*heap.Profile
	doses  []int64 // of the cycles before the trials
}

// timerMakers allocate an object that lives as long as the timer or context.
var timerMakers = []string{
	"time.AfterFunc", "time.NewTimer", "time.NewTicker", "time.After", "time.Tick", "time.newTimer",
	"context.withCancel", "context.WithDeadlineCause", "context.AfterFunc", "context.(*cancelCtx).propagateCancel",
}

// Name implements Detector.
func (t *Timers) Name() string { return "timers" }

// Unit implements Detector.
func (t *Timers) Unit() string { return "timer" }

// Noise implements Detector.
func (t *Timers) Noise() float64 { return 0 }

// Plant implements Controlled with a timer in each cycle that stays armed.
func (t *Timers) Plant(func(context.Context) (func(), error)) Plant {
	var timers []*time.Timer
	return Plant{
		Grow: func(int64, bool) error {
			timers = append(timers, planted.Timer())
			return nil
		},
		Remove: func() {
			for _, t := range timers {
				t.Stop()
			}
		},
		Is: func(f verdict.Finding) bool { return f.Born.Function == stack.FuncName(planted.Timer) },
	}
}

// Baseline counts the timers and contexts of each line, after a collection.
func (t *Timers) Baseline(ctx context.Context, r *Reading) error {
	profile, err := r.heapProfile(ctx)
	if err != nil {
		return err
	}
	t.base, t.cycles, t.doses = profile, nil, nil
	return nil
}

// Cycle counts the timers and contexts again.
func (t *Timers) Cycle(ctx context.Context, r *Reading) error {
	if t.base == nil {
		return ErrNoBaseline
	}
	profile, err := r.heapProfileSince(ctx, t.base)
	if err != nil {
		return err
	}
	if t.cycles = append(t.cycles, profile); !r.Trial {
		t.doses = append(t.doses, r.Dose)
	}
	return nil
}

// Findings returns a finding for each line whose timers or contexts stay.
func (t *Timers) Findings(context.Context) ([]verdict.Finding, error) {
	if len(t.cycles) == 0 {
		return nil, ErrNoCycle
	}
	var leaks []siteLeak
	for site := range t.cycles[len(t.cycles)-1].Sites {
		if !isTimer(site) {
			continue
		}
		growth, bytes := siteGrowth(site, t.base, t.cycles)
		judged := growth[:len(t.doses)]
		if verdict.KeepsGrowing(judged, t.doses) && (t.Ignore == nil || !t.Ignore(site.Stack)) {
			typ := "*time.Timer"
			if stack.PackageOf(site.Stack[0].Function) == "context" {
				typ = "context.Context"
			}
			leaks = append(leaks, siteLeak{site, growth, bytes, verdict.PerDose(judged, t.doses), false, typ})
		}
	}
	return mergeSites(t.Name(), verdict.Timer, leaks), nil
}

// isTimer reports whether a site makes timers or contexts. The channel of a timer does not
// count.
func isTimer(site *heap.Site) bool {
	return site.Kind != "runtime.makechan" && slices.Contains(timerMakers, site.Stack[0].Function)
}
