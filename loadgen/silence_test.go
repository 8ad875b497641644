package loadgen

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// A load whose messages are all without an answer proves nothing, and the report says what
// came instead.
func TestSilence(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply, instead string
		want           verdict.Outcome
	}{
		"another answer": {"never", "such as \"", verdict.Invalid},
		"an answer":      {"", "", verdict.Untested},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, Config{URL: (&chat{alone: true}).start(t), Plan: textPlan(t, codec.Text{Reply: tt.reply}), waits: soonLost()})
			v := r.Verdict
			if v.Outcome != tt.want && v.Outcome != verdict.Inconclusive { // the machine may be busy
				t.Errorf("outcome %s", v.Outcome)
			}
			said := len(v.Invalid) == 1 && strings.Contains(v.Invalid[0].What, tt.instead)
			if (tt.want == verdict.Invalid) != said {
				t.Errorf("invalid because %v", v.Invalid)
			}
		})
	}
}

// If the generator is late and all peers had left before their messages came, the target may not be
// silent.
func TestSilenceOfALateGenerator(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		explained int64
		timing    verdict.Outcome
		want      bool
	}{{40, verdict.Inconclusive, false}, {39, verdict.Inconclusive, true}, {40, verdict.None, true}} {
		res := &report.Result{Deliveries: delivery.Counts{Sent: 40, Explained: tt.explained}, Timing: report.Timing{Outcome: tt.timing}}
		if got := provesNothing(&verdict.Run{}, res); got != tt.want {
			t.Errorf("%d of 40 explained, timing %s: %t", tt.explained, tt.timing, got)
		}
	}
}

// saysSilent reports whether a run says that it proves nothing because no message was delivered. On a
// machine that is too slow it is undecided.
func saysSilent(r *report.Result) bool {
	return r.Verdict.Outcome == verdict.Invalid || r.Timing.Outcome != verdict.None && r.Verdict.Outcome == verdict.Inconclusive
}
