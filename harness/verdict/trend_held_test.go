package verdict_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Memory that is held by what leaks in one scenario is not reported for another one whose
// doses are like it by chance. Memory that only the other one explains is.
func TestHeldMemory(t *testing.T) {
	t.Parallel()
	vanish, signal := []int64{3, 5, 17, 11, 19, 5, 11}, []int64{13, 7, 23, 13, 29, 7, 19}
	far := []int64{29, 3, 5, 23, 2, 31, 7}
	leak := verdict.Trend{Series: "goroutines", Scenario: "vanish", Outcome: verdict.Leaking}
	for name, tt := range map[string]struct {
		doses   []int64
		changes []float64
		want    string
	}{
		"alike by chance": {signal, []float64{34360, 14392, 65328, 30840, 88264, 35160, 53160}, "vanish"},
		"of its own":      {far, []float64{290_000, 31_000, 49_000, 231_000, 20_000, 309_000, 71_000}, "signal"},
	} {
		var blocks []verdict.Block
		var cycles []verdict.Cycle
		for k, change := range tt.changes {
			blocks = append(blocks, verdict.Block{Dose: float64(vanish[k] + tt.doses[k]), After: change}, verdict.Block{})
			cycles = append(cycles, verdict.Cycle{Doses: map[string]int64{"vanish": vanish[k], "signal": tt.doses[k]}})
		}
		q := verdict.Question{Series: "heap", Unit: verdict.Bytes}
		got := verdict.TestHeld(q, verdict.Trend{Series: "heap", Scenario: "signal", Outcome: verdict.Leaking}, leak, blocks, cycles)
		if got.Scenario != tt.want {
			t.Errorf("%s: the memory is of %s, want %s", name, got.Scenario, tt.want)
		}
	}
}
