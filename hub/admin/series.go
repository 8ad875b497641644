package admin

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigeonhub/pigeonhub/hub"
)

// series are the metrics without labels, other than the collections.
var series = []struct {
	name, help string
	kind       prometheus.ValueType
	value      func(*hub.Stats) float64
}{
	{"start_time_seconds", "When the hub was created, in seconds since the Unix epoch.", prometheus.GaugeValue,
		func(st *hub.Stats) float64 { return unixSeconds(st.StartedAt) }},
	{"draining", "Whether a shutdown has begun: 0 or 1.", prometheus.GaugeValue,
		func(st *hub.Stats) float64 { return oneIf(st.Draining) }},
	{"hub_role", "Whether this server is a hub to other hubs: 0 or 1.", prometheus.GaugeValue,
		func(st *hub.Stats) float64 { return oneIf(st.IsHub) }},
	{"session_queued_limit_bytes", "Bound of the unsent bytes of one session.", prometheus.GaugeValue,
		func(st *hub.Stats) float64 { return float64(st.MaxQueuedPerSession) }},

	{"memory_level", "Level of the resident memory: 0 normal, 1 above 80 % of the memory limit, 2 above 90 %, where new peers are refused.", prometheus.GaugeValue,
		func(st *hub.Stats) float64 { return float64(st.Memory.Level) }},
	{"memory_limit_bytes", "Memory that the process may use: the setting, else the limit of the container, else the memory of the machine; 0 if none is known.", prometheus.GaugeValue,
		func(st *hub.Stats) float64 { return float64(st.Memory.Limit) }},
	{"memory_resident_bytes", "Resident memory at the last reading.", prometheus.GaugeValue,
		func(st *hub.Stats) float64 { return float64(st.Memory.RSS) }},
	{"memory_heap_bytes", "Heap objects at the last reading, live ones and garbage.", prometheus.GaugeValue,
		func(st *hub.Stats) float64 { return float64(st.Memory.HeapLive) }},
	{"memory_heap_marked_bytes", "Heap objects that the last garbage collection found live.", prometheus.GaugeValue,
		func(st *hub.Stats) float64 { return float64(st.Memory.HeapMarked) }},
	{"memory_heap_obtained_bytes", "Heap obtained from the system at the last reading.", prometheus.GaugeValue,
		func(st *hub.Stats) float64 { return float64(st.Memory.HeapSys) }},
	{"memory_read_timestamp_seconds", "When memory was last read, in seconds since the Unix epoch. It stops increasing if the monitor hangs.", prometheus.GaugeValue,
		func(st *hub.Stats) float64 { return unixSeconds(st.Memory.At) }},
	{"memory_forced_collections_total", "Garbage collections forced by the memory monitor.", prometheus.CounterValue,
		func(st *hub.Stats) float64 { return float64(st.Memory.Collected) }},

	{"sessions_accepted_total", "WebSocket upgrades done.", prometheus.CounterValue,
		func(st *hub.Stats) float64 { return float64(st.Accepted) }},
	{"received_bytes_total", "Payload of the messages received.", prometheus.CounterValue,
		func(st *hub.Stats) float64 { return float64(st.ReceivedBytes) }},
	{"sent_bytes_total", "Frames sent, headers included.", prometheus.CounterValue,
		func(st *hub.Stats) float64 { return float64(st.SentBytes) }},
	{"messages_relayed_total", "Messages delivered to the peer that they name.", prometheus.CounterValue,
		func(st *hub.Stats) float64 { return float64(st.Relayed) }},
	{"discoveries_sent_total", "Introductions of one peer to another.", prometheus.CounterValue,
		func(st *hub.Stats) float64 { return float64(st.Discoveries) }},
	{"events_lost_total", "Events lost because a subscriber's buffer was full.", prometheus.CounterValue,
		func(st *hub.Stats) float64 { return float64(st.EventsLost) }},
	{"panics_total", "Panics that ended one session; each is a bug.", prometheus.CounterValue,
		func(st *hub.Stats) float64 { return float64(st.Panics) }},
	{"low_points_total", "Idle times that the hub has compared with others. Before the ninth comparable one no leak is suspected.", prometheus.CounterValue,
		func(st *hub.Stats) float64 { return float64(st.LowPoints) }},
}

// families are the counters with a label. The label sets are closed.
var families = []struct {
	name, help, label string
	counts            func(*hub.Stats) map[string]uint64
}{
	{"requests_refused_total", "Upgrades refused with an HTTP error.", "reason",
		func(st *hub.Stats) map[string]uint64 { return st.RefusedHTTP }},
	{"sessions_ended_total", "Sessions that have ended, refusals after the upgrade included.", "reason",
		func(st *hub.Stats) map[string]uint64 { return st.Ended }},
	{"messages_dropped_total", "Messages that were dropped.", "reason",
		func(st *hub.Stats) map[string]uint64 { return st.Dropped }},
	{"messages_received_total", "Messages received that could be parsed.", "kind",
		func(st *hub.Stats) map[string]uint64 { return st.Received }},
}

// histograms are the times. There is no exemplar, because it would name a peer.
var histograms = []struct {
	name, help string
	times      func(*hub.Stats) hub.Histogram
}{
	{"relay_duration_seconds", "From the first bytes of a message to the last bytes written to the peer that it names, of at most one relayed message in 256.",
		func(st *hub.Stats) hub.Histogram { return st.RelayTime }},
	{"queue_wait_seconds", "How long a message waited in the queue of the peer that it names, of at most one relayed message in 256.",
		func(st *hub.Stats) hub.Histogram { return st.QueueWait }},
	{"announce_duration_seconds", "From the first bytes of an announce until all introductions are queued, of each announce.",
		func(st *hub.Stats) hub.Histogram { return st.AnnounceTime }},
}

// buckets returns the counts as Prometheus has them: each bucket includes those below.
func buckets(h hub.Histogram) (total uint64, counts map[float64]uint64) {
	counts = make(map[float64]uint64, len(h.Bounds))
	for i, n := range h.Counts {
		if total += n; i < len(h.Bounds) {
			counts[h.Bounds[i]] = total
		}
	}
	return total, counts
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unixSeconds(at time.Time) float64 { return float64(at.UnixNano()) / 1e9 }
