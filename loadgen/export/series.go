package export

import (
	"slices"
	"strconv"
)

// Each calls yield with every time series of the sample, as Prometheus has them: a histogram is one
// series for each of its buckets, and two for the sum and the number of its times.
func (b *Sample) Each(yield func(name string, labels []Label, value float64)) {
	for _, p := range b.Points {
		labels := slices.Concat(b.Run, p.Labels)
		if p.Metric.Kind != Histogram {
			yield(p.Metric.Name, labels, p.Value)
			continue
		}
		bucket := func(le string, n int64) {
			yield(p.Metric.Name+"_bucket", append(slices.Clone(labels), Label{"le", le}), float64(n))
		}
		for i, n := range p.Within {
			bucket(strconv.FormatFloat(Bounds[i].Seconds(), 'g', -1, 64), n)
		}
		bucket("+Inf", p.Count)
		yield(p.Metric.Name+"_sum", labels, p.Sum.Seconds())
		yield(p.Metric.Name+"_count", labels, float64(p.Count))
	}
}
