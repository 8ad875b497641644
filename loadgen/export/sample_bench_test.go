package export

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// BenchmarkSample measures what a sample costs a run, with times in every hop: the copy of the
// counts, the metrics, and the message of remote write.
func BenchmarkSample(b *testing.B) {
	rec, now := latency.NewRecorder(), time.Now()
	for range 20000 {
		for h := range latency.NumHops {
			rec.AddUntil(h, schedule.At(now), now.Add(time.Duration(rand.ExpFloat64()*1e7)))
		}
	}
	s := loadgen.Status{Measured: func() report.Result {
		r := someResult()
		r.Latencies = rec.Snapshot()
		return r
	}}
	b.ReportAllocs()
	for b.Loop() {
		sample := Live(now, s)
		b.SetBytes(int64(len(encodeWrite(&sample))))
	}
}
