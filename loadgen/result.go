package loadgen

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
)

// SlipBound is how late the generator may be: if one action in a hundred began later
// than that, the generator was saturated, and latencies say more of it than of the
// target.
const SlipBound = 50 * time.Millisecond

// Timing says whether the latencies can be believed.
type Timing struct {
	Outcome verdict.Outcome `json:"outcome"` // none: nothing is wrong with them; or inconclusive
	Why     string          `json:"why"`
	Slip99  time.Duration   `json:"slip99"` // within which 99 % of the actions began
}

func timingOf(slip latency.Times) Timing {
	t := Timing{Outcome: verdict.None, Slip99: slip.Quantile(0.99)}
	t.Why = fmt.Sprintf("99 %% of the actions began within %s of their time", t.Slip99)
	if t.Slip99 > SlipBound {
		t.Outcome = verdict.Inconclusive
		t.Why = fmt.Sprintf("the generator was saturated: 1 %% of the actions began more than %s late (bound %s)", t.Slip99, SlipBound)
	}
	return t
}

// result is the result of the run, which is over.
func (r *runner) result(timeline Timeline) Result {
	r.fleet.ledger.Settle()
	res := Result{
		Schema: SchemaVersion, Environment: environment(r.cfg.URL),
		Plan: r.plan, Latencies: r.fleet.rec.Snapshot(), Deliveries: r.fleet.ledger.Totals(),
		Sent: r.fleet.sent.Load(), Received: r.fleet.received.Load(), Cut: r.fleet.cut.Load(),
		Errors: r.tally.errorsSeen(), Figures: r.figures, Timeline: timeline,
	}
	res.Hops = res.Latencies.Summaries()
	res.Timing = timingOf(res.Latencies.Slip)
	run := &r.run
	run.Duration, run.Lives = time.Since(run.Start), r.fleet.lives()
	run.Scenarios = r.tally.scenarios()
	if r.brokenOff {
		run.Scenarios = calledOff(run.Scenarios)
	}
	run.Detectors = append(run.Detectors, verdict.Detector{Name: "deliveries", State: verdict.Ready, Unit: "message", Aside: true})
	run.Failures = append(run.Failures, res.Deliveries.Failures()...)
	run.Doubts = append(run.Doubts, res.Deliveries.Doubts()...)
	if len(run.Trends) == 0 { // a leak verdict does not hang on these
		run.Doubts = append(run.Doubts, res.disturbed(run.Lives)...)
	}
	res.Verdict = verdict.Judge(*run)
	if len(r.plan.Fail) > 0 {
		for _, t := range r.plan.Fail {
			run.Thresholds = append(run.Thresholds, judgeThreshold(t, &res, &res.Verdict))
		}
		res.Verdict = verdict.Judge(*run)
	}
	return res
}

// calledOff takes from scenarios the peers that did not come to their end, because the
// run was broken off, by the user or by the loss of a worker: that says it all.
func calledOff(list []verdict.Scenario) []verdict.Scenario {
	list = slices.DeleteFunc(list, func(s verdict.Scenario) bool { return s.Landed == 0 })
	for i := range list {
		list[i].Planned = list[i].Landed
	}
	return list
}

// disturbed says why a load was not the one that was meant.
func (r *Result) disturbed(lives int64) []verdict.Reason {
	var list []verdict.Reason
	if r.Timing.Outcome != verdict.None {
		list = append(list, verdict.Reason{About: "latency", What: r.Timing.Why, Do: "lower the rate, or use a larger machine"})
	}
	if r.Cut > 0 {
		list = append(list, verdict.Reason{About: "connections", Do: "look in the log of the target for why",
			What: fmt.Sprintf("%d of %d connections were ended by the target, or by the network", r.Cut, lives)})
	}
	return list
}

// stayed says which counts did not go back after a load.
func stayed(before, after reading) []verdict.Reason {
	var list []verdict.Reason
	for _, name := range slices.Sorted(maps.Keys(before)) {
		now, ok := after[name]
		if k := kindOf(name); ok && k.strict && !k.skip && before.best(k) && now > before[name] {
			list = append(list, verdict.Reason{About: name, Do: "loadgen check tells whether it is a leak",
				What: fmt.Sprintf("%s was %g before the load and is %g after it", name, before[name], now)})
		}
	}
	return list
}

// best reports whether no other series of the reading measures the same better.
func (r reading) best(k kind) bool {
	for name := range r {
		if o := kindOf(name); o.class == k.class && o.prefer > k.prefer && !o.skip {
			return false
		}
	}
	return true
}
