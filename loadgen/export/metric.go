package export

import "time"

// Kind is the type of a metric.
type Kind string

// The kinds, by their names in the text format of Prometheus.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Metric describes a metric. Both kinds of receivers get the same names.
type Metric struct {
	Name   string
	Help   string
	Kind   Kind
	Labels []string // beside those that all metrics have
}

// metrics lists what metric creates, in this order.
var metrics []*Metric

func metric(kind Kind, name, help string, labels ...string) *Metric {
	m := &Metric{name, help, kind, labels}
	metrics = append(metrics, m)
	return m
}

// Metrics returns the metrics that may be sent.
func Metrics() []*Metric { return metrics }

var (
	elapsed     = metric(Gauge, "loadgen_run_elapsed_seconds", "Time since the run began.")
	phases      = metric(Gauge, "loadgen_phase_active", "1 while the phase of the plan is under way, else 0.", "phase", "number")
	connected   = metric(Gauge, "loadgen_connected_peers", "Peers that are connected.")
	connections = metric(Counter, "loadgen_connections_total", "Connections that peers made.")
	cut         = metric(Counter, "loadgen_connections_cut_total", "Connections that the target or the network ended.")
	failures    = metric(Counter, "loadgen_errors_total", "Errors of peers.")
	scenarios   = metric(Counter, "loadgen_scenario_peers_total", "Peers that did what their scenario says.", "scenario")

	sent      = metric(Counter, "loadgen_messages_sent_total", "Messages that peers sent.")
	received  = metric(Counter, "loadgen_messages_received_total", "Messages that peers received.")
	withheld  = metric(Counter, "loadgen_messages_withheld_total", "Messages that were due and did not get their turn.")
	tracked   = metric(Counter, "loadgen_deliveries_sent_total", "Messages from peer to peer whose delivery is checked.")
	delivered = metric(Counter, "loadgen_deliveries_total", "What became of messages from peer to peer.", "outcome")

	latencies = metric(Histogram, "loadgen_latency_seconds", "Times from the intended begin of an action, by hop.", "hop")
	slips     = metric(Histogram, "loadgen_slip_seconds", "How late the generator began its actions.")

	targetHeap        = metric(Gauge, "loadgen_target_heap_bytes", "Heap of the target, as it reports it.")
	targetRSS         = metric(Gauge, "loadgen_target_resident_memory_bytes", "Resident memory of the target.")
	targetGoroutines  = metric(Gauge, "loadgen_target_goroutines", "Goroutines of the target.")
	targetDescriptors = metric(Gauge, "loadgen_target_descriptors", "Open descriptors of the target.")

	ownMemory     = metric(Gauge, "loadgen_generator_memory_bytes", "Memory of the generator that is not mapped from files, in all its processes.")
	ownProcessors = metric(Gauge, "loadgen_generator_busy_processors", "Processors that the generator kept busy, on average over the run.")
	ownLag        = metric(Gauge, "loadgen_generator_lag_seconds", "Time within which 99 of 100 goroutines of the generator woke.")

	outcome    = metric(Gauge, "loadgen_verdict", "1 for the outcome of the run, 0 for the others; sent when the run is over.", "outcome")
	leaks      = metric(Gauge, "loadgen_leaks", "Leaks that the run found; sent when the run is over.")
	thresholds = metric(Gauge, "loadgen_thresholds", "Thresholds of the run by outcome; sent when the run is over.", "outcome")
)

// Bounds are the upper bounds of the buckets of histograms. Above the last one is a bucket without bound.
var Bounds = []time.Duration{
	500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
}
