package loadgen

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
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
