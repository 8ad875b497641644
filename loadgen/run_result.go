package loadgen

import (
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// notTestedHere is why a load does not look for leaks.
const notTestedHere = "not tested; loadgen check and loadgen soak test for them"

// notTestedNow is why an experiment that was cut short has no verdict.
const notTestedNow = "not tested, because the run was cut short"

// measured returns the counts and times of a fleet so far.
func measured(f *fleet, c *counters) report.Result {
	res := report.Result{
		Schema: report.SchemaVersion, Latencies: f.rec.Snapshot(), Deliveries: f.ledger.Totals(),
		Sent: f.sent.Load(), Received: f.received.Load(), Cut: f.cut.Load(),
		Ignored: f.ignored.Load(), Withheld: f.withheld.Load(), Instead: f.unanswering(), Errors: c.errorsSeen(),
	}
	res.Verdict.Run.Lives = f.lives()
	res.Timing = report.TimingOf(res.Latencies.Slip)
	return res
}

// measuredSoFar returns the counts and times of a run under way. The watcher calls it.
func (r *runner) measuredSoFar() report.Result {
	res := measured(r.fleet, r.counters)
	res.Plan, res.Generator = r.plan, r.own.report()
	res.Verdict.Run.Target, res.Verdict.Scenarios = r.run.Target, r.counters.scenarios()
	return res
}

// result returns the result of a run that is over.
func (r *runner) result(timeline report.Timeline) report.Result {
	r.fleet.ledger.Settle()
	res := measured(r.fleet, r.counters)
	res.Plan, res.Timeline, res.Environment = r.plan, timeline, report.EnvironmentOf(r.cfg.URL)
	res.Generator = r.own.report()
	res.Figures, res.Capacities, res.CutShort = r.figures, r.capacities, r.breach.found()
	res.Hops = res.Latencies.Summaries()
	run := &r.run
	run.Duration, run.Lives = time.Since(run.Start), r.fleet.lives()
	run.Scenarios = append(r.counters.scenarios(), run.Scenarios...) // with those of residents
	if r.brokenOff {
		run.Scenarios = calledOff(run.Scenarios)
	}
	run.Detectors = append(run.Detectors, verdict.Detector{Name: "deliveries", State: verdict.Ready, Unit: "message", Aside: true})
	if len(run.Trends) == 0 {
		run.Detectors = append(run.Detectors, verdict.Detector{Name: "leaks", State: verdict.Off, Why: r.whyUntested()})
	}
	run.Failures = append(run.Failures, res.Deliveries.Failures()...)
	overloads := slices.ContainsFunc(r.plan.Phases, func(f plan.Phase) bool {
		p, err := profileOf(f.Profile)
		return err == nil && p.overloads
	})
	if !overloads {
		run.Doubts = append(run.Doubts, res.Deliveries.Doubts()...)
	}
	silence := res.Deliveries.Silence(res.Received, res.Instead)
	if provesNothing(run, &res) {
		run.Problems = append(run.Problems, silence...)
	} else {
		run.Doubts = append(run.Doubts, silence...)
	}
	if len(run.Trends) == 0 && !overloads {
		run.Doubts = append(run.Doubts, res.Disturbed(run.Lives)...)
	}
	res.Verdict = verdict.Judge(*run)
	if len(r.plan.Fail) > 0 {
		for _, t := range r.plan.Fail {
			run.Thresholds = append(run.Thresholds, r.judged(t, &res))
		}
		res.Verdict = verdict.Judge(*run)
	}
	return res
}

// provesNothing reports whether a run in which no message was delivered proves nothing. A leak verdict
// or a threshold stands nevertheless. Peers that act late may leave before their messages can come:
// that is no silence of the target.
func provesNothing(run *verdict.Run, res *report.Result) bool {
	late := res.Timing.Outcome != verdict.None && res.Deliveries.Explained == res.Deliveries.Sent
	return len(run.Trends) == 0 && res.CutShort == nil && !late
}

// judged evaluates a threshold of a run that is over.
func (r *runner) judged(t plan.Threshold, res *report.Result) verdict.Threshold {
	if res.CutShort != nil {
		return res.CutShort.Judge(t, res)
	}
	return report.JudgeThreshold(t, res, &res.Verdict)
}

// whyUntested returns why the run has no verdict on leaks.
func (r *runner) whyUntested() string {
	for _, f := range r.plan.Phases {
		if p, err := profileOf(f.Profile); err == nil && p.experiment && r.breach.found() != nil {
			return notTestedNow
		}
	}
	return notTestedHere
}

// calledOff removes from the scenarios of a run that was broken off the peers that did not
// come to their end: the interruption, or the lost worker, is reported instead.
func calledOff(list []verdict.Scenario) []verdict.Scenario {
	list = slices.DeleteFunc(list, func(s verdict.Scenario) bool { return s.Landed == 0 })
	for i := range list {
		list[i].Planned = list[i].Landed
	}
	return list
}
