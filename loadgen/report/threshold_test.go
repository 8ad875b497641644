package report

import (
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// A threshold without a sample fails.
func FuzzJudgeThreshold(f *testing.F) {
	for _, s := range []string{"p99(offer)<50ms", "lost==0", "leak(rst)==none", `peak(a{b="c"})<2KiB`, "misrouted<0.1%", "p9e1(ping)<1h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		th, err := plan.ParseThreshold(text)
		if err != nil {
			return
		}
		r := &Result{Latencies: latency.NewHistograms()}
		if j := JudgeThreshold(th, r, &verdict.Verdict{}); j.Outcome != verdict.Failed {
			t.Errorf("%q without a sample is %s", text, j.Outcome)
		}
	})
}

// sampleResult is a result of which most is known.
func sampleResult() *Result {
	r := &Result{
		Latencies: latency.NewHistograms(), Deliveries: delivery.Counts{Sent: 1000, Delivered: 998, Lost: 2}, Sent: 1100, Received: 1098, Cut: 1,
		Errors: map[string]int{"refused": 1}, Timing: Timing{Outcome: verdict.None},
	}
	base := time.Unix(1_000_000, 0)
	rec := latency.NewRecorder()
	for i := range 101 {
		end := base.Add(time.Duration(i) * 100 * time.Millisecond)
		rec.AddUntil(latency.HopOffer, schedule.Tick{Intended: end.Add(-time.Duration(i) * time.Millisecond), Start: end.Add(-time.Millisecond)}, end)
	}
	r.Latencies = rec.Snapshot()
	r.Figures = []Figure{{Name: "recovered", Value: 2, Text: "2s"}, {Name: "recovered", Value: 4, Text: "4s"},
		{Name: "herd 1: recovery, from the loss to the last greeting", Value: 3, Unit: "s", Text: "3s"}, {Name: "herd 1: back", Value: 9, Unit: "of 9 peers"}}
	r.Timeline.Add(1, map[string]float64{ColumnConnections: 40, TargetColumn("rss"): 5e6}, []string{ColumnConnections, TargetColumn("rss")})
	r.Timeline.Add(2, map[string]float64{ColumnConnections: 30}, nil)
	r.Verdict = verdict.Verdict{
		Run: verdict.About{Lives: 100}, NotLeaking: []string{"clean"}, Scenarios: []verdict.Scenario{{Name: "clean"}, {Name: "rst"}, {Name: "roam"}},
		Trends: []verdict.Trend{{Series: "peers", Outcome: verdict.Leaking, Retained: 10, Interval: &verdict.Interval{Low: 8, High: 12}}, {Series: "young"}},
		Leaks:  []verdict.Leak{{Source: verdict.Attribution{Shares: []verdict.Share{{Scenario: "rst"}}}}},
	}
	return r
}

func TestJudgeThreshold(t *testing.T) {
	t.Parallel()
	r := sampleResult()
	for text, want := range map[string]verdict.Outcome{
		"p50(offer)<55ms": verdict.Pass, "p50(offer)<45ms": verdict.Failed, "p99(offer.service)<=2ms": verdict.Pass, "max(offer)>99ms": verdict.Pass,
		"mean(offer)<51ms": verdict.Pass, "count(offer)==101": verdict.Pass, "rate(offer)>9.9": verdict.Pass, "rate(offer)>11": verdict.Failed,
		"lost==0": verdict.Failed, "lost<=0.2%": verdict.Pass, "lost<0.2%": verdict.Failed, "misrouted==0": verdict.Pass, "cut<=1%": verdict.Pass,
		"errors==1": verdict.Pass, "errors<0.5%": verdict.Failed, "lives==100": verdict.Pass, "connections>=40": verdict.Pass, "connections>40": verdict.Failed,
		"sent==1100": verdict.Pass, "delivered>=99%": verdict.Pass, "leak==none": verdict.Failed, "leak!=none": verdict.Pass, "leak(rst)==none": verdict.Failed,
		"leak(clean)==none": verdict.Pass, "leak(roam)==none": verdict.Inconclusive, "retained(peers)<13": verdict.Pass, "retained(peers)<7": verdict.Failed,
		"retained(peers)<11": verdict.Inconclusive, "retained(young)<11": verdict.Inconclusive, "peak(rss)<=5MB": verdict.Pass, "peak(rss)<4MB": verdict.Failed,
		// Nothing was measured.
		"p99(ping)<1h": verdict.Failed, "count(ping)==0": verdict.Failed, "rate(ping)<1000": verdict.Failed, "leak(churn)==none": verdict.Failed,
		"retained(other)<1000": verdict.Failed, "peak(other)<1000GB": verdict.Failed, "p99(slip)<1h": verdict.Failed,
		"figure(recovered)<3": verdict.Failed, "figure(recovered)<=4": verdict.Pass, "figure(reconnected)<3": verdict.Failed,
		"figure(recovery)<4s": verdict.Pass, "figure(herd 1: recovery)<=3000ms": verdict.Pass, "figure(recovery)<2.5s": verdict.Failed, "figure(recovery)<4": verdict.Pass,
		"figure(herd 1: recovery, from the loss to the last greeting)<4s": verdict.Pass, "figure(recovery)<4MB": verdict.Failed, "figure(back)>1s": verdict.Failed, "figure(back)==9": verdict.Pass,
		"figure(from the loss to the last greeting)<9": verdict.Failed,
	} {
		if got := JudgeThreshold(parsedThreshold(t, text), r, &r.Verdict); got.Outcome != want || got.Text != text {
			t.Errorf("%s: %s (%s, %s), want %s", text, got.Outcome, got.Actual, got.Why, want)
		}
	}
}

// What a generator that was saturated measured never makes a threshold of times pass.
func TestSaturatedThresholds(t *testing.T) {
	t.Parallel()
	r := sampleResult()
	r.Timing.Outcome = verdict.Inconclusive
	for text, want := range map[string]verdict.Outcome{
		"p50(offer)<55ms": verdict.Inconclusive, "p50(offer)<1ms": verdict.Inconclusive, "max(offer.service)<1h": verdict.Inconclusive,
		"rate(offer)>9": verdict.Pass, "rate(offer)>11": verdict.Inconclusive, "rate(offer)<11": verdict.Inconclusive,
		"p99(ping)<1h": verdict.Failed, "lost<=2": verdict.Pass, "count(offer)>100": verdict.Pass,
	} {
		if got := JudgeThreshold(parsedThreshold(t, text), r, &r.Verdict); got.Outcome != want {
			t.Errorf("%s: %s, want %s", text, got.Outcome, want)
		}
	}
}

// A run without a leak, and one that is not sure.
func TestLeakThreshold(t *testing.T) {
	t.Parallel()
	r, th := sampleResult(), parsedThreshold(t, "leak==none")
	v := verdict.Verdict{Trends: []verdict.Trend{{Outcome: verdict.None}}}
	if got := JudgeThreshold(th, r, &v); got.Outcome != verdict.Pass {
		t.Errorf("no leak is %s", got.Outcome)
	}
	v.Trends[0].Outcome = verdict.Inconclusive
	if got := JudgeThreshold(th, r, &v); got.Outcome != verdict.Inconclusive {
		t.Errorf("not sure is %s", got.Outcome)
	}
	if got := JudgeThreshold(th, r, &verdict.Verdict{}); got.Outcome != verdict.Failed {
		t.Errorf("no experiment is %s", got.Outcome)
	}
}

func parsedThreshold(t *testing.T, text string) plan.Threshold {
	t.Helper()
	th, err := plan.ParseThreshold(text)
	if err != nil {
		t.Fatal(err)
	}
	return th
}
