package export

import (
	"fmt"
	"strconv"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// Label is a name with its value.
type Label struct{ Name, Value string }

// Sample holds the values of the metrics at one time.
type Sample struct {
	Start  time.Time // of the run
	At     time.Time
	Run    []Label // that all points have
	Points []Point
}

// Point is the value of a metric with labels.
type Point struct {
	Metric *Metric
	Labels []Label // beside those of the run
	Value  float64 // unless it is a histogram

	Within []int64 // of a histogram: how many times do not exceed each of Bounds
	Count  int64
	Sum    time.Duration
}

// Live returns a sample of a run under way.
func Live(at time.Time, s loadgen.Status) Sample {
	r := s.Measured()
	b := Sample{Start: at.Add(-s.Elapsed), At: at, Run: labelsOf(&r)}
	b.add(elapsed, s.Elapsed.Seconds())
	b.add(connected, float64(s.Connections))
	b.measured(&r, s.Number)
	for _, t := range s.Target {
		b.add(map[string]*Metric{"heap": targetHeap, "rss": targetRSS, "goroutines": targetGoroutines, "descriptors": targetDescriptors}[t.Label], t.Value)
	}
	return b
}

// Final returns the sample of a run that is over.
func Final(at time.Time, r *report.Result) Sample {
	b := Sample{Start: r.Verdict.Run.Start, At: at, Run: labelsOf(r)}
	b.add(elapsed, r.Verdict.Run.Seconds)
	b.add(connected, 0)
	b.measured(r, 0)
	for _, o := range []verdict.Outcome{verdict.Pass, verdict.Untested, verdict.Leaking, verdict.Failed, verdict.Inconclusive, verdict.Invalid} {
		b.add(outcome, truth(o == r.Verdict.Outcome), Label{"outcome", string(o)})
	}
	b.add(leaks, float64(len(r.Verdict.Leaks)))
	for _, o := range []verdict.Outcome{verdict.Pass, verdict.Failed, verdict.Inconclusive} {
		n := 0
		for _, t := range r.Verdict.Thresholds {
			if t.Outcome == o {
				n++
			}
		}
		b.add(thresholds, float64(n), Label{"outcome", string(o)})
	}
	return b
}

// labelsOf returns the labels of a run: a run that repeats another one has the same.
func labelsOf(r *report.Result) []Label {
	return []Label{{"profile", r.Plan.Name}, {"run", fmt.Sprintf("%#x", r.Plan.Seed)}, {"target", r.Verdict.Run.Target}}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (b *Sample) add(m *Metric, v float64, labels ...Label) {
	b.Points = append(b.Points, Point{Metric: m, Labels: labels, Value: v})
}

// measured adds what live and final samples have in common. active is the number of the phase
// that is under way, from 1.
func (b *Sample) measured(r *report.Result, active int) {
	for i, f := range r.Plan.Phases {
		b.add(phases, truth(i+1 == active), Label{"phase", f.Profile}, Label{"number", strconv.Itoa(i + 1)})
	}
	b.add(connections, float64(r.Verdict.Run.Lives))
	b.add(cut, float64(r.Cut))
	failed := 0
	for _, n := range r.Errors {
		failed += n
	}
	b.add(failures, float64(failed))
	for _, s := range r.Verdict.Scenarios {
		if s.Unit == "" { // it counts peers
			b.add(scenarios, float64(s.Landed), Label{"scenario", s.Name})
		}
	}
	b.add(sent, float64(r.Sent))
	b.add(received, float64(r.Received))
	b.add(withheld, float64(r.Withheld))
	b.deliveries(r)
	b.times(r)
	if g := r.Generator; g.MemoryLast > 0 {
		b.add(ownMemory, float64(g.MemoryLast))
		b.add(ownProcessors, g.Busy)
	}
	b.add(ownLag, r.Generator.Lag99.Seconds())
}

func (b *Sample) deliveries(r *report.Result) {
	d := r.Deliveries
	b.add(tracked, float64(d.Sent))
	for _, c := range []struct {
		outcome string
		n       int64
	}{
		{"delivered", d.Delivered}, {"explained", d.Explained}, {"lost", d.Lost}, {"duplicated", d.Duplicated},
		{"reordered", d.Reordered}, {"misrouted", d.Misrouted}, {"unexpected", d.Unexpected},
	} {
		b.add(delivered, float64(c.n), Label{"outcome", c.outcome})
	}
}

// times adds the histograms of the hops that were taken.
func (b *Sample) times(r *report.Result) {
	add := func(m *Metric, t latency.Times, labels ...Label) {
		within, sum := t.Buckets(Bounds)
		b.Points = append(b.Points, Point{Metric: m, Labels: labels, Within: within, Count: t.Count(), Sum: sum})
	}
	for h := range r.Latencies.Hops {
		if t := r.Latencies.Hops[h].Latency; t.Count() > 0 {
			add(latencies, t, Label{"hop", latency.Hop(h).String()})
		}
	}
	add(slips, r.Latencies.Slip)
}
