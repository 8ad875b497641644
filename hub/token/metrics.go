package token

import "github.com/prometheus/client_golang/prometheus"

var (
	refusedDesc = prometheus.NewDesc("pigeonhub_token_refusals_total",
		"Signed tokens that were refused, by reason; also counted as unauthorized among the refused requests.",
		[]string{"reason"}, nil)
	keysDesc = prometheus.NewDesc("pigeonhub_token_keys",
		"Keys that verify signed tokens.", nil, nil)
	loadedDesc = prometheus.NewDesc("pigeonhub_token_keys_loaded_timestamp_seconds",
		"When the key set of tokens was last loaded, in seconds since the Unix epoch; 0 is never.", nil, nil)
	failuresDesc = prometheus.NewDesc("pigeonhub_token_keys_failures_total",
		"Failures to load the key set of tokens.", nil, nil)
)

// Describe implements prometheus.Collector.
func (v *Verifier) Describe(out chan<- *prometheus.Desc) {
	out <- refusedDesc
	out <- keysDesc
	out <- loadedDesc
	out <- failuresDesc
}

// Collect implements prometheus.Collector.
func (v *Verifier) Collect(out chan<- prometheus.Metric) {
	for r := range numRefusals {
		out <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(v.refused[r].Load()), r.Label())
	}
	keys, loaded := 0, 0.0
	if s := v.current.Load(); s != nil {
		keys = len(s.rules.keys) + len(s.set)
		if !s.loaded.IsZero() {
			loaded = float64(s.loaded.Unix())
		}
	}
	out <- prometheus.MustNewConstMetric(keysDesc, prometheus.GaugeValue, float64(keys))
	out <- prometheus.MustNewConstMetric(loadedDesc, prometheus.GaugeValue, loaded)
	out <- prometheus.MustNewConstMetric(failuresDesc, prometheus.CounterValue, float64(v.failures.Load()))
}
