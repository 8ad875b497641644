package admin

import (
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pigeonhub/pigeonhub/hub"
)

// maxScrapes is the number of scrapes at once. Scrapes that overlap share one reading.
const maxScrapes = 8

// metricsHandler serves a registry of its own, so that several hubs in one process do
// not conflict. more are the metrics of the program around the hub.
func metricsHandler(h *hub.Hub, more []prometheus.Collector) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(more...)
	reg.MustRegister(
		newCollector(h.Stats, h.CheckInvariants),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes, CoalesceGather: true})
}

// collector turns one Stats per scrape into metrics. It has no counts of its own.
type collector struct {
	stats     func() hub.Stats
	audit     audit
	audited   *prometheus.Desc
	suspected *prometheus.Desc
	build     prometheus.Metric
	gauges    []reading
	vectors   []vector
	times     []distribution
}

// reading is a metric without labels.
type reading struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*hub.Stats) float64
}

// vector is a counter with one label. The label's values are a closed set: Stats has an
// entry for every member, also if it is zero.
type vector struct {
	desc   *prometheus.Desc
	counts func(*hub.Stats) map[string]uint64
}

// distribution is a histogram.
type distribution struct {
	desc  *prometheus.Desc
	times func(*hub.Stats) hub.Histogram
}

func newCollector(stats func() hub.Stats, check func() error) *collector {
	c := &collector{stats: stats, build: buildInfo(), audit: audit{check: check}}
	c.audited = describe("invariant_violations",
		"Invariants of the hub that did not hold when last checked, at most once a minute and only by a scrape; each is a bug.")
	c.suspected = describe("leak_suspected",
		"Growth of a collection that the hub suspects to leak, in entries or bytes for each 1,000 departed sessions. "+
			"It is 0 without suspicion, which does not mean that nothing leaks: see pigeonhub_low_points_total.", "collection")
	for _, col := range collections {
		c.gauges = append(c.gauges, reading{describe(col.key(), col.help), prometheus.GaugeValue, count(col.length)})
		if col.bound != nil {
			c.gauges = append(c.gauges, reading{
				describe(col.name+"_limit"+col.unit, "Bound of pigeonhub_"+col.key()+"."), prometheus.GaugeValue, count(col.bound),
			})
		}
	}
	for _, s := range series {
		c.gauges = append(c.gauges, reading{describe(s.name, s.help), s.kind, s.value})
	}
	for _, f := range families {
		c.vectors = append(c.vectors, vector{describe(f.name, f.help, f.label), f.counts})
	}
	for _, h := range histograms {
		c.times = append(c.times, distribution{describe(h.name, h.help), h.times})
	}
	return c
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("pigeonhub_"+name, help, labels, nil)
}

func count(f func(*hub.Stats) int64) func(*hub.Stats) float64 {
	return func(st *hub.Stats) float64 { return float64(f(st)) }
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	out <- c.build.Desc()
	out <- c.audited
	out <- c.suspected
	for _, g := range c.gauges {
		out <- g.desc
	}
	for _, v := range c.vectors {
		out <- v.desc
	}
	for _, d := range c.times {
		out <- d.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	st := c.stats()
	out <- c.build
	out <- prometheus.MustNewConstMetric(c.audited, prometheus.GaugeValue, float64(c.audit.count()))
	for collection, growth := range st.Suspected {
		out <- prometheus.MustNewConstMetric(c.suspected, prometheus.GaugeValue, growth, collection)
	}
	for _, g := range c.gauges {
		out <- prometheus.MustNewConstMetric(g.desc, g.kind, g.value(&st))
	}
	for _, v := range c.vectors {
		for label, n := range v.counts(&st) {
			out <- prometheus.MustNewConstMetric(v.desc, prometheus.CounterValue, float64(n), label)
		}
	}
	for _, d := range c.times {
		h := d.times(&st)
		total, counts := buckets(h)
		out <- prometheus.MustNewConstHistogram(d.desc, total, h.Sum, counts)
	}
}

// buildInfo returns a metric that names the build.
func buildInfo() prometheus.Metric {
	version, revision := build()
	desc := describe("build_info", "Build of the hub; the value is always 1.", "version", "revision", "goversion")
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, 1, version, revision, runtime.Version())
}

// build returns the version of the program and the commit that it was built from. A binary that was
// built outside a checkout has no revision.
func build() (version, revision string) {
	version, revision = "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	return version, revision
}
