package latency

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// Merged histograms are those of one that counted all, also by way of JSON.
func TestLatenciesMerge(t *testing.T) {
	t.Parallel()
	whole, parts := NewRecorder(), []*Recorder{NewRecorder(), NewRecorder()}
	base := time.Unix(1000, 0)
	for i := range 10_000 {
		end := base.Add(time.Duration(i*i) * time.Microsecond)
		tick := schedule.Tick{Intended: base, Start: base.Add(time.Duration(i) * time.Microsecond)}
		whole.AddUntil(HopPing, tick, end)
		parts[i%2].AddUntil(HopPing, tick, end)
		whole.AddSlip(time.Duration(i) * time.Microsecond)
		parts[i%2].AddSlip(time.Duration(i) * time.Microsecond)
	}
	merged := NewHistograms()
	for _, p := range parts {
		b, err := json.Marshal(p.Snapshot())
		if err != nil {
			t.Fatal(err)
		}
		var l Histograms
		if err := json.Unmarshal(b, &l); err != nil {
			t.Fatal(err)
		}
		merged.Merge(l)
	}
	want := whole.Snapshot()
	for _, q := range []float64{0, .5, .9, .99, .9999, 1} {
		a, b := merged.Hops[HopPing], want.Hops[HopPing]
		if a.Latency.Quantile(q) != b.Latency.Quantile(q) || a.Service.Quantile(q) != b.Service.Quantile(q) || merged.Slip.Quantile(q) != want.Slip.Quantile(q) {
			t.Errorf("the %v quantile differs", q)
		}
	}
	if merged.Hops[HopPing].Latency.Count() != 10_000 || merged.Hops[HopOffer].Latency.Count() != 0 {
		t.Error("counts are lost, or went to another hop")
	}
}

// Times beyond the range count as its ends.
func TestTimesOutOfRange(t *testing.T) {
	t.Parallel()
	h := NewTimes()
	h.Add(-time.Second)
	h.Add(time.Hour)
	if h.Count() != 2 || h.Quantile(0) != 0 || h.Max() < longestTime {
		t.Errorf("%d times from %s to %s", h.Count(), h.Quantile(0), h.Max())
	}
}
