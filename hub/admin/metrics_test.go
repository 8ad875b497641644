package admin_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Dashboards and alerts know these names.
const metricNames = `
build_info draining hub_role start_time_seconds invariant_violations leak_suspected low_points_total
sessions refused_sessions reserved_ids token_subjects token_subjects_limit addresses peers peers_limit memberships memberships_limit
admitted_sessions admitted_sessions_limit probing_sessions probing_sessions_limit
reading_bytes reading_limit_bytes sent_bytes_total
parked_sessions parked_sessions_limit networks networks_limit largest_network_members largest_network_members_limit hubs hubs_limit
subscriptions subscriptions_limit queued_bytes queued_limit_bytes announced_bytes announced_limit_bytes session_queued_limit_bytes goroutines
memory_level memory_limit_bytes memory_resident_bytes memory_heap_bytes memory_heap_marked_bytes memory_heap_obtained_bytes
memory_read_timestamp_seconds memory_forced_collections_total
sessions_accepted_total sessions_ended_total requests_refused_total
messages_received_total received_bytes_total messages_relayed_total messages_dropped_total
discoveries_sent_total events_lost_total panics_total
relay_duration_seconds_bucket relay_duration_seconds_sum relay_duration_seconds_count
queue_wait_seconds_bucket queue_wait_seconds_sum queue_wait_seconds_count
announce_duration_seconds_bucket announce_duration_seconds_sum announce_duration_seconds_count`

// scrape returns the samples of the private port's metrics by series.
func (w *world) scrape() map[string]float64 {
	w.Helper()
	got := w.ask(w.private, "GET", "/metrics")
	if got.status != 200 {
		w.Fatalf("/metrics: got %d %.200s", got.status, got.body)
	}
	samples := make(map[string]float64)
	for line := range strings.Lines(got.body) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cut := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(strings.TrimSpace(line[cut+1:]), 64)
		if err != nil {
			w.Fatalf("%q: %v", line, err)
		}
		samples[line[:cut]] = v
	}
	return samples
}

// wantSamples asserts the value of some series.
func (w *world) wantSamples(want map[string]float64) {
	w.Helper()
	got := w.scrape()
	for series, v := range want {
		if g, ok := got[series]; !ok || g != v {
			w.Errorf("%s is %v (there: %t), want %v", series, g, ok, v)
		}
	}
}

func TestMetricsAreLinted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	problems, err := promlint.New(strings.NewReader(w.ask(w.private, "GET", "/metrics").body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetricNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	names := make(map[string]struct{})
	for series := range w.scrape() {
		name, _, _ := strings.Cut(series, "{")
		if ours, ok := strings.CutPrefix(name, "pigeonhub_"); ok {
			names[ours] = struct{}{}
		} else if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("%s is neither ours nor the runtime's", name)
		}
	}
	want := strings.Fields(metricNames)
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// Every member of a closed set is there before anything has happened, so that a
// rate over it is never undefined, and there are no others.
func TestMetricLabelsAreClosedAndPreset(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	want := make(map[string]float64)
	label := func(name, label string, member fmt.Stringer) {
		want[fmt.Sprintf("pigeonhub_%s{%s=%q}", name, label, member)] = 0
	}
	for r := range hub.NumRefuseReasons {
		label("requests_refused_total", "reason", r)
	}
	for r := range wire.NumCloseReasons {
		label("sessions_ended_total", "reason", r)
	}
	for r := range hub.NumDropReasons {
		label("messages_dropped_total", "reason", r)
	}
	for k := range wire.NumKinds {
		label("messages_received_total", "kind", k)
	}
	for collection := range w.hub.Stats().Suspected {
		want[fmt.Sprintf("pigeonhub_leak_suspected{collection=%q}", collection)] = 0
	}
	w.wantSamples(want)
	for series := range w.scrape() {
		_, known := want[series]
		known = known || strings.Contains(series, "_bucket{le=")
		if strings.HasPrefix(series, "pigeonhub_") && strings.Contains(series, "{") && !known && !strings.HasPrefix(series, "pigeonhub_build_info{") {
			t.Errorf("%s is of no closed set", series)
		}
	}
}

// Both pages with metrics have those of the program around the hub, too.
func TestMetricsOfTheProgram(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{}, admin.PublicConfig{})
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "program_answer", Help: "Of the program."})
	gauge.Set(42)
	private, stop := admin.Private(w.hub, admin.PrivateConfig{Collectors: []prometheus.Collector{gauge}})
	t.Cleanup(stop)
	public := admin.Public(w.hub, admin.PublicConfig{Metrics: true, Collectors: []prometheus.Collector{gauge}})
	for name, pages := range map[string]http.Handler{"private": private, "public": public} {
		if got := w.ask(w.serve(pages), "GET", "/metrics"); got.status != 200 || !strings.Contains(got.body, "\nprogram_answer 42\n") {
			t.Errorf("%s: got %d without the program's metric", name, got.status)
		}
	}
}

func TestMetricBounds(t *testing.T) {
	t.Parallel()
	cfg := hub.Config{MaxConnections: 7, MaxSubscriptions: 3, QueueBytes: 5000, QueueBytesTotal: 6000, IsHub: true}
	w := newWorld(t, cfg, admin.PublicConfig{})
	w.wantSamples(map[string]float64{
		"pigeonhub_peers_limit": 7, "pigeonhub_memberships_limit": 7,
		"pigeonhub_networks_limit": 7, "pigeonhub_hubs_limit": 7, "pigeonhub_largest_network_members_limit": 7,
		"pigeonhub_subscriptions_limit": 3, "pigeonhub_queued_limit_bytes": 6000, "pigeonhub_session_queued_limit_bytes": 5000,
		"pigeonhub_hub_role": 1, "pigeonhub_draining": 0,
	})
}

func TestMetricsFollowTheHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{AuthToken: "sesame"}, admin.PublicConfig{})
	a, b := w.connect("/?token=sesame", digits("a")), w.connect("/?token=sesame", digits("b"))
	w.raw(a, `{"type":"announce","networkName":"n"}`)
	w.raw(b, `{"type":"announce","networkName":"n"}`)
	w.raw(b, fmt.Sprintf(`{"type":"offer","networkName":"n","targetPeerId":%q,"data":{}}`, digits("a")))
	w.raw(b, fmt.Sprintf(`{"type":"answer","networkName":"n","targetPeerId":%q,"data":{}}`, digits("c")))
	if got := w.get("/", "Upgrade: websocket", "Connection: Upgrade"); got.status != 401 {
		t.Fatalf("an upgrade without the token: got %d, want 401", got.status)
	}
	w.wantSamples(map[string]float64{
		"pigeonhub_sessions": 2, "pigeonhub_peers": 2, "pigeonhub_memberships": 2, "pigeonhub_networks": 1,
		"pigeonhub_largest_network_members": 2, "pigeonhub_sessions_accepted_total": 2, "pigeonhub_discoveries_sent_total": 2,
		"pigeonhub_messages_relayed_total":                          1,
		"pigeonhub_announce_duration_seconds_count":                 2,
		"pigeonhub_relay_duration_seconds_count":                    0,
		`pigeonhub_announce_duration_seconds_bucket{le="+Inf"}`:     2,
		`pigeonhub_messages_received_total{kind="announce"}`:        2,
		`pigeonhub_messages_received_total{kind="offer"}`:           1,
		`pigeonhub_messages_dropped_total{reason="unknown_target"}`: 1,
		`pigeonhub_requests_refused_total{reason="unauthorized"}`:   1,
	})
	a.Close()
	w.settle(func() string {
		if n := w.scrape()[`pigeonhub_sessions_ended_total{reason="peer_lost"}`]; n != 1 {
			return fmt.Sprintf("%v sessions were lost, want 1", n)
		}
		return ""
	})
	w.wantSamples(map[string]float64{"pigeonhub_sessions": 1, "pigeonhub_memberships": 1})
}
