package loadgen

import (
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// A run whose threshold cannot be met any more ends before its time, and says why.
func TestCutShort(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		word, fail string
		figures    plan.Phase
		open       string // a threshold that was not decided
	}{
		{"steady", "lives<20", plan.Phase{Peers: 40, Rate: 200, Duration: time.Hour, Networks: 4}, "count(ping)>1000000"},
		{"ramp", "count(connect)<5", plan.Phase{Peers: 10, Rate: 200, Duration: time.Hour, Networks: 4}, "p50(connect)<1h"},
		{"ramp", "peak(health.connections)<5", plan.Phase{Peers: 20, Rate: 200, Duration: time.Hour, Networks: 4}, "errors<50%"},
		{"spike", "figure(back)<1", plan.Phase{Peers: 8, Rate: 200, Duration: time.Second, Networks: 2, Params: map[string]string{"herds": "1000"}}, "figure(recovery)<1h"},
	} {
		t.Run(tt.fail, func(t *testing.T) {
			t.Parallel()
			planned, err := PlanOf(tt.word)
			if err == nil {
				planned.Fail = []plan.Threshold{parsedThreshold(t, tt.open), parsedThreshold(t, tt.fail)}
				planned, err = With(planned, tt.figures)
			}
			if err != nil {
				t.Fatal(err)
			}
			r := run(t, Config{URL: (&toyHub{patient: true}).start(t), Plan: planned})
			switch c := r.CutShort; {
			case c == nil:
				t.Fatal("it was not cut short")
			case c.Threshold != tt.fail || c.Seconds <= 0 || c.Actual == "":
				t.Errorf("cut short %s", c)
			}
			v := r.Verdict
			if v.Outcome.ExitCode() != 1 || v.Thresholds[0].Outcome != verdict.Inconclusive || v.Thresholds[1].Outcome != verdict.Failed {
				t.Errorf("outcome %s, thresholds %v, invalid %v", v.Outcome, v.Thresholds, v.Invalid)
			}
			var b strings.Builder
			if err := r.WriteText(&b); err != nil || !strings.Contains(b.String(), "cut short") {
				t.Errorf("%v: the text does not say that it was cut short:\n%s", err, b.String())
			}
		})
	}
}

// An experiment that is cut short has tested nothing for leaks.
func TestCutShortExperiment(t *testing.T) {
	t.Parallel()
	planned := quickCheck(t, 91)
	planned.Fail = []plan.Threshold{parsedThreshold(t, "leak==none"), parsedThreshold(t, "lives<150")}
	v := run(t, Config{URL: (&toyHub{}).start(t), Plan: planned}).Verdict
	if v.Outcome.ExitCode() != 1 || v.Tested() || len(v.NotLeaking)+len(v.Invalid) > 0 || v.Thresholds[0].Outcome != verdict.Inconclusive {
		t.Errorf("outcome %s, not leaking %v, invalid %v, thresholds %v", v.Outcome, v.NotLeaking, v.Invalid, v.Thresholds)
	}
	if last := v.Detectors[len(v.Detectors)-1]; last.Name != "leaks" || last.Why != notTestedNow {
		t.Errorf("detector %+v", last)
	}
}

// A target that dies is the failure, and not what its death broke.
func TestCutShortByADeath(t *testing.T) {
	t.Parallel()
	planned := quickCheck(t, 92)
	planned.Fail = []plan.Threshold{parsedThreshold(t, "cut==0")}
	h := &toyHub{}
	v := run(t, Config{URL: h.start(t), Plan: planned, waits: impatient, Watch: atPeers(5, h.kill)}).Verdict
	if v.Outcome != verdict.Failed || len(v.Failures) != 1 || !strings.Contains(v.Failures[0].What, "does not answer any more") {
		t.Errorf("outcome %s, failures %v", v.Outcome, v.Failures)
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
