package export

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func emptyResult() report.Result { return report.Result{Latencies: latency.NewHistograms()} }

// someResult is a result with a value for each metric.
func someResult() report.Result {
	rec, at := latency.NewRecorder(), time.Unix(1e9, 0)
	for _, millis := range []int{1, 3, 3, 40, 90000} {
		rec.AddUntil(latency.HopOffer, schedule.At(at), at.Add(time.Duration(millis)*time.Millisecond))
		rec.AddSlip(time.Duration(millis) * time.Microsecond)
	}
	r := report.Result{
		Plan: plan.Plan{Name: "night", Seed: 0x5eed, Phases: []plan.Phase{{Profile: "ramp"}, {Profile: "churn"}}}, Latencies: rec.Snapshot(),
		Deliveries: delivery.Counts{Sent: 9, Delivered: 6, Explained: 2, Lost: 1}, Generator: report.Generator{MemoryLast: 3e7, Busy: .5, Lag99: time.Millisecond},
		Sent: 20, Received: 19, Cut: 4, Withheld: 5, Errors: map[string]int{"a": 1, "b": 2},
	}
	r.Verdict = verdict.Verdict{Outcome: verdict.Failed, Leaks: []verdict.Leak{{}}, Thresholds: []verdict.Threshold{{Outcome: verdict.Failed}},
		Scenarios: []verdict.Scenario{{Name: "rst", Planned: 8, Landed: 7}, {Name: "events", Landed: 100, Unit: verdict.PerEvent}}}
	r.Verdict.Run = verdict.About{Target: "ws://hub.example.org", Lives: 11, Start: at, Seconds: 60}
	return r
}

func someStatus() loadgen.Status {
	return loadgen.Status{Elapsed: time.Minute, Connections: 12, Number: 2, Measured: someResult,
		Target: []report.Reading{{Label: "heap", Value: 1}, {Label: "rss", Value: 2}, {Label: "goroutines", Value: 3}, {Label: "descriptors", Value: 4}}}
}

// values returns the series of a sample by their names and labels, without those of the run.
func values(t *testing.T, s Sample) map[string]float64 {
	t.Helper()
	m := map[string]float64{}
	s.Each(func(name string, labels []Label, v float64) {
		if !slices.Equal(labels[:3], []Label{{"profile", "night"}, {"run", "0x5eed"}, {"target", "ws://hub.example.org"}}) {
			t.Errorf("%s has the labels %v", name, labels)
		}
		for _, l := range labels[3:] {
			name += fmt.Sprintf("{%s=%s}", l.Name, l.Value)
		}
		if _, twice := m[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		m[name] = v
	})
	return m
}

func TestSample(t *testing.T) {
	t.Parallel()
	live, final := values(t, Live(time.Now(), someStatus())), values(t, Final(time.Now(), new(someResult())))
	for name, want := range map[string]float64{
		"loadgen_connections_total": 11, "loadgen_errors_total": 3, "loadgen_connections_cut_total": 4, "loadgen_messages_withheld_total": 5,
		"loadgen_messages_sent_total": 20, "loadgen_messages_received_total": 19, "loadgen_deliveries_sent_total": 9,
		"loadgen_deliveries_total{outcome=delivered}": 6, "loadgen_deliveries_total{outcome=lost}": 1, "loadgen_deliveries_total{outcome=misrouted}": 0,
		"loadgen_scenario_peers_total{scenario=rst}": 7, "loadgen_run_elapsed_seconds": 60, "loadgen_generator_lag_seconds": .001,
		"loadgen_latency_seconds_count{hop=offer}": 5, "loadgen_latency_seconds_bucket{hop=offer}{le=+Inf}": 5, "loadgen_slip_seconds_count": 5,
		"loadgen_latency_seconds_bucket{hop=offer}{le=0.0005}": 0, "loadgen_latency_seconds_bucket{hop=offer}{le=0.001}": 1,
		"loadgen_latency_seconds_bucket{hop=offer}{le=0.005}": 3, "loadgen_latency_seconds_bucket{hop=offer}{le=0.05}": 4, "loadgen_latency_seconds_bucket{hop=offer}{le=60}": 4,
	} {
		for when, m := range map[string]map[string]float64{"live": live, "final": final} {
			if got, ok := m[name]; !ok || got != want {
				t.Errorf("%s: %s is %v (there: %v), want %v", when, name, got, ok, want)
			}
		}
	}
	if sum := live["loadgen_latency_seconds_sum{hop=offer}"]; sum < 90.01 || sum > 90.1 {
		t.Errorf("the sum is %v", sum)
	}
	for name, want := range map[string]float64{
		"loadgen_connected_peers": 12, "loadgen_phase_active{phase=ramp}{number=1}": 0, "loadgen_phase_active{phase=churn}{number=2}": 1,
		"loadgen_target_heap_bytes": 1, "loadgen_target_resident_memory_bytes": 2, "loadgen_target_goroutines": 3, "loadgen_target_descriptors": 4,
	} {
		if got := live[name]; got != want {
			t.Errorf("live: %s is %v, want %v", name, got, want)
		}
	}
	for name, want := range map[string]float64{
		"loadgen_connected_peers": 0, "loadgen_phase_active{phase=churn}{number=2}": 0, "loadgen_verdict{outcome=failed}": 1, "loadgen_verdict{outcome=pass}": 0,
		"loadgen_leaks": 1, "loadgen_thresholds{outcome=failed}": 1, "loadgen_thresholds{outcome=pass}": 0,
	} {
		if got, ok := final[name]; !ok || got != want {
			t.Errorf("final: %s is %v, want %v", name, got, want)
		}
	}
	if _, known := live["loadgen_verdict{outcome=pass}"]; known || live["loadgen_scenario_peers_total{scenario=events}"] != 0 {
		t.Error("there is a verdict before the end, or events count as peers")
	}
}

// Each described metric is sent, with the labels that it describes, and is what promtool expects.
func TestMetrics(t *testing.T) {
	t.Parallel()
	sent := map[*Metric]bool{}
	for _, s := range []Sample{Live(time.Now(), someStatus()), Final(time.Now(), new(someResult()))} {
		for _, p := range s.Points {
			var names []string
			for _, l := range p.Labels {
				names = append(names, l.Name)
			}
			if sent[p.Metric] = true; !slices.Equal(names, p.Metric.Labels) {
				t.Errorf("%s has the labels %q, described are %q", p.Metric.Name, names, p.Metric.Labels)
			}
		}
	}
	good := regexp.MustCompile(`^loadgen_[a-z_]+$`)
	for _, m := range Metrics() {
		if !sent[m] || !good.MatchString(m.Name) || (m.Kind == Counter) != strings.HasSuffix(m.Name, "_total") || !strings.HasSuffix(m.Help, ".") {
			t.Errorf("%+v, sent: %v", m, sent[m])
		}
	}
}

// exposed returns a sample in the text format of Prometheus.
func exposed(s Sample) []byte {
	var b bytes.Buffer
	for _, m := range Metrics() {
		one := Sample{Run: s.Run}
		for _, p := range s.Points {
			if p.Metric == m {
				one.Points = append(one.Points, p)
			}
		}
		if len(one.Points) == 0 {
			continue
		}
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", m.Name, m.Help, m.Name, m.Kind)
		one.Each(func(name string, labels []Label, v float64) {
			var words []string
			for _, l := range labels {
				words = append(words, fmt.Sprintf("%s=%q", l.Name, l.Value))
			}
			fmt.Fprintf(&b, "%s{%s} %v\n", name, strings.Join(words, ","), v)
		})
	}
	return b.Bytes()
}

func TestPromtool(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	for _, s := range []Sample{Live(time.Now(), someStatus()), Final(time.Now(), new(someResult()))} {
		c := exec.CommandContext(t.Context(), path, "check", "metrics")
		c.Stdin = bytes.NewReader(exposed(s))
		if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%v: %s", err, out)
		}
	}
}
