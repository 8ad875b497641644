package loadgen

import (
	"math"
	"time"
)

// Summary is the times of a hop in figures. Durations are in nanoseconds in JSON.
type Summary struct {
	Count int64   `json:"count"`
	Rate  float64 `json:"rate"` // a second, from the first to the last; 0 if there were not two
	Latency
	Service Latency `json:"service"`
}

// Latency is some quantiles of times.
type Latency struct {
	Mean time.Duration `json:"mean"`
	P50  time.Duration `json:"p50"`
	P90  time.Duration `json:"p90"`
	P99  time.Duration `json:"p99"`
	P999 time.Duration `json:"p999"`
	Max  time.Duration `json:"max"`
}

func (t Times) latency() Latency {
	return Latency{t.Mean(), t.Quantile(.5), t.Quantile(.9), t.Quantile(.99), t.Quantile(.999), t.Max()}
}

// summaries are those of the hops that were taken, by their names.
func (l *Latencies) summaries() map[string]Summary {
	m := map[string]Summary{}
	for i := range l.Hops {
		h := &l.Hops[i]
		if h.Latency.Count() == 0 {
			continue
		}
		s := Summary{Count: h.Latency.Count(), Latency: h.Latency.latency(), Service: h.Service.latency()}
		if rate := h.Rate(); !math.IsNaN(rate) {
			s.Rate = rate
		}
		m[Hop(i).String()] = s
	}
	return m
}
