package export

import (
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/metrics/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/slim/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/slim/otlp/resource/v1"
)

// encodeOTLP returns a sample as a request. The metrics have the names that Prometheus gives them,
// so that the same dashboards fit. The resource has the labels of the process.
func encodeOTLP(s *Sample, process []Label) *collector.ExportMetricsServiceRequest {
	scope := &otlp.ScopeMetrics{Scope: &common.InstrumentationScope{Name: "github.com/pigeonhub/pigeonhub/loadgen"}}
	known := map[*Metric]*otlp.Metric{}
	for i := range s.Points {
		p := &s.Points[i]
		m := known[p.Metric]
		if m == nil {
			m = newOTLPMetric(p.Metric)
			known[p.Metric] = m
			scope.Metrics = append(scope.Metrics, m)
		}
		addPoint(m, s, p)
	}
	return &collector.ExportMetricsServiceRequest{ResourceMetrics: []*otlp.ResourceMetrics{{
		Resource: &resource.Resource{Attributes: attributes(process)}, ScopeMetrics: []*otlp.ScopeMetrics{scope},
	}}}
}

func newOTLPMetric(d *Metric) *otlp.Metric {
	m := &otlp.Metric{Name: d.Name, Description: d.Help}
	const total = otlp.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	switch d.Kind {
	case Counter:
		m.Data = &otlp.Metric_Sum{Sum: &otlp.Sum{IsMonotonic: true, AggregationTemporality: total}}
	case Histogram:
		m.Data = &otlp.Metric_Histogram{Histogram: &otlp.Histogram{AggregationTemporality: total}}
	default:
		m.Data = &otlp.Metric_Gauge{Gauge: &otlp.Gauge{}}
	}
	return m
}

// addPoint adds a data point. A counter began at 0 with the run.
func addPoint(m *otlp.Metric, s *Sample, p *Point) {
	labels, at, start := attributes(s.Run, p.Labels), nanoseconds(s.At), nanoseconds(s.Start)
	number := &otlp.NumberDataPoint{Attributes: labels, TimeUnixNano: at, Value: &otlp.NumberDataPoint_AsDouble{AsDouble: p.Value}}
	switch data := m.Data.(type) {
	case *otlp.Metric_Gauge:
		data.Gauge.DataPoints = append(data.Gauge.DataPoints, number)
	case *otlp.Metric_Sum:
		number.StartTimeUnixNano = start
		data.Sum.DataPoints = append(data.Sum.DataPoints, number)
	case *otlp.Metric_Histogram:
		sum := p.Sum.Seconds()
		point := &otlp.HistogramDataPoint{Attributes: labels, StartTimeUnixNano: start, TimeUnixNano: at, Count: uint64(p.Count), Sum: &sum}
		before := int64(0)
		for i, n := range append(p.Within[:len(p.Within):len(p.Within)], p.Count) {
			point.BucketCounts = append(point.BucketCounts, uint64(n-before))
			before = n
			if i < len(Bounds) {
				point.ExplicitBounds = append(point.ExplicitBounds, Bounds[i].Seconds())
			}
		}
		data.Histogram.DataPoints = append(data.Histogram.DataPoints, point)
	}
}

func nanoseconds(t time.Time) uint64 { return uint64(max(t.UnixNano(), 0)) }

// attributes returns labels as attributes.
func attributes(lists ...[]Label) []*common.KeyValue {
	var list []*common.KeyValue
	for _, labels := range lists {
		for _, l := range labels {
			list = append(list, &common.KeyValue{Key: l.Name, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: l.Value}}})
		}
	}
	return list
}
