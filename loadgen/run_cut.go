package loadgen

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// breach ends the load of a run with the first threshold that cannot be met any more. Its
// methods may be called concurrently.
type breach struct {
	end context.CancelCauseFunc // of the load

	mu    sync.Mutex
	first *report.CutShort
}

// errBroken is the cause of the end of a load that is cut short.
var errBroken = errors.New("a threshold cannot be met any more")

// isCutShort reports whether a threshold ended the load of a context.
func isCutShort(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errBroken) }

// found returns what ended the load, nil for nothing.
func (b *breach) found() *report.CutShort {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.first
}

// take records a threshold that is broken at a time of the run. It reports whether it is the
// first.
func (b *breach) take(j verdict.Threshold, at time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first != nil {
		return false
	}
	b.first = &report.CutShort{Threshold: j.Text, Actual: j.Actual, Seconds: at.Seconds()}
	return true
}

// judge evaluates thresholds by what was measured so far, and ends the load if one of them
// cannot be met any more. of selects the thresholds. A worker leaves that to the coordinator.
func (r *runner) judge(so *report.Result, of func(plan.Threshold) bool) {
	for _, t := range r.plan.Fail {
		if r.breach.end == nil || !of(t) {
			continue
		}
		if j, broken := report.Broken(t, so, r.mostTimes(t)); broken && r.breach.take(j, time.Since(r.fleet.base)) {
			r.log.Info("the run is cut short", "threshold", j.Text, "value", j.Actual)
			r.breach.end(errBroken)
		}
	}
}

func isOfFigure(t plan.Threshold) bool { return t.What.Of == plan.OfFigure }
func isNoFigure(t plan.Threshold) bool { return t.What.Of != plan.OfFigure }

// judgeFigures evaluates the thresholds of figures. Only the goroutine that runs the phases may
// call it.
func (r *runner) judgeFigures() { r.judge(&report.Result{Figures: r.figures}, isOfFigure) }

// judgeCounts evaluates the other thresholds.
func (r *runner) judgeCounts(t report.Timeline) {
	for _, f := range r.plan.Fail {
		if isNoFigure(f) {
			so := measured(r.fleet, r.counters)
			so.Timeline, so.Generator.Lag99 = t, r.own.lags().Quantile(.99)
			r.judge(&so, isNoFigure)
			return
		}
	}
}

// mostTimes returns how many times of the hop of a threshold the plan can take, 0 if that is
// not known.
func (r *runner) mostTimes(t plan.Threshold) (most int64) {
	if strings.TrimSuffix(t.Of, plan.ServiceSuffix) == latency.HopNotice.String() {
		return 0 // each member that hears of a leave makes one
	}
	for i := range r.plan.Phases {
		f := &r.plan.Phases[i]
		if p, err := profileOf(f.Profile); err != nil || !p.paced {
			return 0
		}
		// A witness in each network, and the peer of the preflight, also connect.
		most += int64(f.Peers) + int64(f.Networks) + int64(f.Rate*f.Duration.Seconds()) + 1
	}
	return most
}

// dead reports whether the target does not answer any more, and adds that to the run.
func (r *runner) dead(ctx context.Context) bool {
	err := r.target.alive(ctx)
	if err != nil {
		r.run.Failures = append(r.run.Failures, verdict.Reason{About: "target", What: err.Error(), Do: "read its log"})
	}
	return err != nil
}
