package latency

import (
	"math"
	"time"
)

// Summary describes the times of a hop. Durations are in nanoseconds in JSON.
type Summary struct {
	Count int64   `json:"count"`
	Rate  float64 `json:"rate"` // times a second, from the first to the last; 0 if there are fewer than two
	Quantiles
	Service Quantiles `json:"service"`
}

// Quantiles are the mean and some quantiles of times.
type Quantiles struct {
	Mean time.Duration `json:"mean"`
	P50  time.Duration `json:"p50"`
	P90  time.Duration `json:"p90"`
	P99  time.Duration `json:"p99"`
	P999 time.Duration `json:"p999"`
	Max  time.Duration `json:"max"`
}

func (t Times) quantiles() Quantiles {
	return Quantiles{t.Mean(), t.Quantile(.5), t.Quantile(.9), t.Quantile(.99), t.Quantile(.999), t.Max()}
}

// Summaries returns the summaries of the hops that have times, by name.
func (l *Histograms) Summaries() map[string]Summary {
	m := map[string]Summary{}
	for i := range l.Hops {
		h := &l.Hops[i]
		if h.Latency.Count() == 0 {
			continue
		}
		s := Summary{Count: h.Latency.Count(), Quantiles: h.Latency.quantiles(), Service: h.Service.quantiles()}
		if rate := h.Rate(); !math.IsNaN(rate) {
			s.Rate = rate
		}
		m[Hop(i).String()] = s
	}
	return m
}
