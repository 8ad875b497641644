package loadgen

import (
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// What following a run costs: a sample is taken once a second, a status four times.
func BenchmarkWatcher(b *testing.B) {
	r, err := newRunner(Config{URL: "ws://127.0.0.1:1", Plan: plan.Plan{Name: "x", Phases: []plan.Phase{{Profile: "ramp"}}}})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	values := reading{"go_goroutines": 5, "health.memory.rss": 1e6}
	for h := range latency.NumHops {
		for i := range 10_000 {
			r.fleet.rec.AddUntil(h, schedule.At(now), now.Add(time.Duration(i)*time.Millisecond))
		}
	}
	w := &watcher{r: r, progress: r.progress, every: time.Second, next: now, latest: reading{}}
	w.note(values)
	b.Run("sample", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			at := now.Add(time.Duration(i+1) * time.Second)
			for h := range latency.NumHops {
				r.fleet.rec.AddUntil(h, schedule.At(now), at)
			}
			w.sample(at)
		}
	})
	b.Run("status", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if s := w.status(now.Add(time.Duration(i+1) * time.Second)); len(s.Hops) != int(latency.NumHops) || len(s.Target) == 0 || s.Target[0].Unit != verdict.Bytes {
				b.Fatalf("%+v", s)
			}
		}
	})
}
