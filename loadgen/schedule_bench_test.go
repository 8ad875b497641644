package loadgen

import (
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// BenchmarkSchedule has pairs of peers exchange 20,000 messages a second, of the size
// that browsers send: offers, their answers, and a candidate with each. The hub is in
// another process on the same machine. It reports how late the actions began; beyond
// SlipBound the generator was saturated.
func BenchmarkSchedule(b *testing.B) {
	const rate, each, seconds = 20_000, 3, 10
	p, err := PlanOf("signal")
	if err == nil {
		p.Seed = 20
		p, err = With(p, plan.Phase{Peers: 400, Rate: rate / each, Duration: seconds * time.Second, Networks: 40})
	}
	if err != nil {
		b.Fatal(err)
	}
	url := startHubProcess(b)
	for b.Loop() {
		r, err := Run(b.Context(), Config{URL: url, Plan: p})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(r.Deliveries.Delivered)/seconds, "messages/s")
		b.ReportMetric(float64(r.Timing.Slip99)/float64(time.Millisecond), "slip99-ms")
		b.ReportMetric(float64(r.Latencies.Hops[latency.HopOffer].Latency.Quantile(0.99))/float64(time.Millisecond), "offer99-ms")
		if d := r.Deliveries; r.Timing.Outcome != verdict.None || d.Lost+d.Unexpected+d.Misrouted > 0 || len(r.Errors) > 0 {
			b.Errorf("%s; deliveries %+v, errors %v", r.Timing.Why, d, r.Errors)
		}
	}
	b.ReportMetric(0, "ns/op") // says nothing
}
