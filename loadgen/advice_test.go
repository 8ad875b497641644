package loadgen

import (
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// An undecided series is advised the flags that decide it, and the time that takes.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		e    *experiment
		more int64
		want string
	}{
		"some more peers": {&experiment{phaseRun: &phaseRun{Phase: checkProfile().phase}, pairs: 10}, 1000, "1,000 peers more would decide: again with --peers 6000 --rate 400 (about 2 min)"},
		"many more peers": {&experiment{phaseRun: &phaseRun{Phase: checkProfile().phase}, pairs: 10}, 300_000, "--peers 305000 --rate 1271 --duration 10m0s (about 6 min)"},
		"a soak":          {&experiment{phaseRun: &phaseRun{Phase: soakProfile().phase}, lasting: true}, 15_000, "--duration 4h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.e.trends = []verdict.Trend{{Outcome: verdict.Inconclusive, Peers: 5000, More: tt.more}, {Outcome: verdict.None}}
			tt.e.advise()
			if got := tt.e.trends[0].Advice(); !strings.Contains(got, tt.want) || tt.e.trends[1].Again != "" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	e := &experiment{phaseRun: &phaseRun{Phase: checkProfile().phase}, pairs: 10, blocks: []block{{at: time.Minute}}}
	if got := e.longer(); got != "again with --duration 20m0s" {
		t.Errorf("got %q", got)
	}
}
