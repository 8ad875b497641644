package verdict_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
)

// A threshold can make a pass worse, and nothing else better.
func TestThresholdsDecide(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		run  func() verdict.Run
		with []verdict.Threshold
		want verdict.Outcome
	}{
		{"held", sample.Clean, []verdict.Threshold{sample.Held}, verdict.Pass},
		{"failed", sample.Clean, []verdict.Threshold{sample.Held, sample.Failed, sample.Unknown}, verdict.Failed},
		{"not known", sample.Clean, []verdict.Threshold{sample.Held, sample.Unknown}, verdict.Inconclusive},
		{"a leak stays one", sample.Leaking, []verdict.Threshold{sample.Held, sample.Failed}, verdict.Leaking},
		{"an invalid run cannot tell", sample.Invalid, []verdict.Threshold{sample.Failed}, verdict.Invalid},
	} {
		r := tt.run()
		r.Thresholds = tt.with
		v := verdict.Judge(r)
		if v.Outcome != tt.want {
			t.Errorf("%s: outcome %s, want %s", tt.name, v.Outcome, tt.want)
		}
		if tt.want == verdict.Failed && len(v.NotLeaking) == 0 {
			t.Errorf("%s: a threshold took what is known of the leaks away", tt.name)
		}
	}
}
