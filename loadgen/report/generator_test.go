package report

import (
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
)

// A bound of times that is broken is not blamed on the target if the generator itself was late
// by half of it.
func TestThresholdsOfALateGenerator(t *testing.T) {
	t.Parallel()
	r := sampleResult() // 101 offers took 0 to 100 ms, each of them 1 ms of service
	for _, tt := range []struct {
		text      string
		slip, lag time.Duration
		want      verdict.Outcome
	}{
		{"p99(offer)<20ms", 0, 0, verdict.Failed},
		{"p99(offer)<20ms", 9 * time.Millisecond, 9 * time.Millisecond, verdict.Failed},
		{"p99(offer)<20ms", 10 * time.Millisecond, 0, verdict.Inconclusive},
		{"p99(offer)<20ms", 0, 10 * time.Millisecond, verdict.Inconclusive},
		{"p99(offer)<200ms", 0, 150 * time.Millisecond, verdict.Pass},
		{"p99(offer.service)<500us", 40 * time.Millisecond, 0, verdict.Failed},
		{"p99(offer.service)<500us", 0, 40 * time.Millisecond, verdict.Inconclusive},
		{"count(offer)<5", 40 * time.Millisecond, 40 * time.Millisecond, verdict.Failed},
	} {
		r.Timing.Slip99, r.Generator.Lag99 = tt.slip, tt.lag
		if j := JudgeThreshold(parsedThreshold(t, tt.text), r, &r.Verdict); j.Outcome != tt.want {
			t.Errorf("%s of a generator that began %s late and woke %s late: %s, want %s", tt.text, tt.slip, tt.lag, j.Outcome, tt.want)
		}
	}
}

// A generator that was starved is named as the reason for doubt, with what it lacked.
func TestStarvedGenerator(t *testing.T) {
	t.Parallel()
	slip := latency.NewTimes()
	for range 100 {
		slip.Add(3 * SlipBound)
	}
	r := Result{Timing: TimingOf(slip), Generator: Generator{MemoryFirst: 20e6, MemoryLast: 21e6, MemoryPeak: 22e6, Busy: .98, Busiest: 1, Lag99: 80 * time.Millisecond, LagMost: time.Second}}
	doubts := r.Disturbed(100)
	if len(doubts) != 1 || doubts[0].About != "latency" {
		t.Fatalf("doubts %v", doubts)
	}
	for _, want := range []string{"the generator was saturated", "0.98 of ", "woke 80ms late"} {
		if !strings.Contains(doubts[0].What, want) {
			t.Errorf("%q lacks %q", doubts[0].What, want)
		}
	}
	if r.Timing.Outcome != verdict.Inconclusive {
		t.Errorf("timing is %s", r.Timing.Outcome)
	}
}
