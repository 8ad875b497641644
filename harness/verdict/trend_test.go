package verdict_test

import (
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

func TestTrendOutcomes(t *testing.T) {
	t.Parallel()
	heap := verdict.Question{Series: "heap", Scenario: "rst", Unit: verdict.Bytes, Matters: 64, Step: 8}
	count := verdict.Question{Series: "goroutines", Scenario: "rst", Strict: true, Matters: 0.01}
	for _, tt := range []struct {
		name   string
		ask    verdict.Question
		blocks []verdict.Block
		want   verdict.Outcome
		why    string
	}{
		{"nothing_yet", heap, nil, verdict.Inconclusive, "0 pairs of blocks are too few"},
		{"too_few", heap, sample.Blocks("rst", 4, 1000, 0), verdict.Inconclusive, "2 pairs"},
		{"clean", heap, sample.Blocks("rst", 10, 1000, 0), verdict.None, "excluded"},
		{"leak", heap, sample.Blocks("rst", 10, 1000, 64), verdict.Leaking, "block after block"},
		{"half_of_what_matters", heap, sample.Blocks("rst", 12, 1000, 20), verdict.None, "excluded"},
		{"strict_counts_every_one", count, sample.Blocks("rst", 24, 1000, 0.005), verdict.Leaking, "block after block"},
		{"one_in_a_thousand", verdict.Question{Series: "goroutines", Scenario: "rst", Strict: true}, sample.Blocks("rst", 20, 1000, 0.001), verdict.Leaking, ""},
		{"falls", heap, sample.Blocks("rst", 12, 1000, -64), verdict.None, "excluded"},
		{"other_scenario", heap, sample.Blocks("roam", 12, 1000, 64), verdict.Inconclusive, "0 pairs"},
		{"cache_that_fills", heap, filling("rst", 12, 1000, 500_000), verdict.Inconclusive, ""},
		{"cache_that_has_filled", count, filled(24, 1000, 3500), verdict.None, "and then stopped"},
		{"cache_that_is_not_full", count, filled(24, 1000, 20_000), verdict.Leaking, "block after block"},
		{"unreadable", heap, []verdict.Block{{Scenario: "rst", Dose: 1, After: math.NaN()}, {}}, verdict.Inconclusive, "0 pairs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := verdict.Test(tt.ask, tt.blocks)
			if got.Outcome != tt.want || !strings.Contains(got.Why, tt.why) {
				t.Errorf("got %s (%s), want %s (%s)\n%+v", got.Outcome, got.Why, tt.want, tt.why, got)
			}
			if got.Outcome == verdict.Inconclusive && got.More <= 0 {
				t.Errorf("undecided without the number of further peers: %+v", got)
			}
		})
	}
}

// filled returns blocks of a level that grows by one for each peer, up to bound.
func filled(n int, dose, bound float64) []verdict.Block {
	var list []verdict.Block
	level := 0.0
	for i := range n {
		b := verdict.Block{Before: level, After: level}
		if i%2 == 0 {
			b.Scenario, b.Dose, b.After = "rst", dose, min(bound, level+dose)
		}
		level = b.After
		list = append(list, b)
	}
	return list
}

// filling returns blocks of a level that approaches bound by a third of the rest in each on block.
func filling(scenario string, n int, dose, bound float64) []verdict.Block {
	var list []verdict.Block
	level := 0.0
	for i := range n {
		b := verdict.Block{Before: level, After: level}
		if i%2 == 0 {
			b.Scenario, b.Dose, b.After = scenario, dose, level+(bound-level)/3
		}
		level = b.After
		list = append(list, b)
	}
	return list
}

func TestTrendReturns(t *testing.T) {
	t.Parallel()
	q := verdict.Question{Series: "heap", Scenario: "rst"}
	if got := verdict.Test(q, sample.Blocks("rst", 8, 100, 0)); !got.Returned {
		t.Errorf("a flat series has not returned to its baseline: %+v", got)
	}
	if got := verdict.Test(q, sample.Blocks("rst", 8, 100, 1)); got.Returned || got.Final-got.Baseline != 400 {
		t.Errorf("a series that grew by 400 has returned: %+v", got)
	}
}

// A series that is missing in some readings is judged by the blocks with both readings. No figure
// of the trend is NaN, which JSON cannot encode.
func TestGaps(t *testing.T) {
	t.Parallel()
	all := make([]int, 41)
	for i := range all {
		all[i] = i
	}
	for name, tt := range map[string]struct {
		perPeer float64
		want    verdict.Outcome
		missing []int // readings; 0 is the baseline
	}{
		"leak":        {1, verdict.Leaking, []int{5}},
		"none":        {0, verdict.None, []int{6}},
		"first":       {1, verdict.Leaking, []int{0}},
		"last":        {0, verdict.None, []int{40}},
		"alternating": {1, verdict.Leaking, []int{0, 3, 4, 9, 39, 40}},
		"all":         {1, verdict.Inconclusive, all},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blocks, cycles := gappy(tt.perPeer, tt.missing)
			got := verdict.TestTogether(verdict.Question{Series: "peers", Strict: true, Matters: 0.05}, blocks, cycles)
			if got.Outcome != tt.want {
				t.Errorf("%s because %s", got.Outcome, got.Why)
			}
			if got.Outcome == verdict.Leaking && (got.Scenario != "rst" || math.Abs(got.Retained-1000) > 1) {
				t.Errorf("%g of %s", got.Retained, got.Scenario)
			}
			v := verdict.Judge(verdict.Run{Lives: 1, Trends: []verdict.Trend{got}, Cycles: cycles})
			if err := report.JSON(io.Discard, v); err != nil {
				t.Error(err)
			}
			if got.Outcome == verdict.Leaking && (len(v.Leaks) != 1 || v.Leaks[0].Source.String() != "scenario rst") {
				t.Errorf("leaks %+v", v.Leaks)
			}
		})
	}
}

// gappy returns the blocks of a target that retains perPeer for each peer of scenario rst. The
// readings in missing are NaN.
func gappy(perPeer float64, missing []int) (blocks []verdict.Block, cycles []verdict.Cycle) {
	const pairs = 20
	level, at := 5.0, 0
	read := func() float64 {
		defer func() { at++ }()
		if slices.Contains(missing, at) {
			return math.NaN()
		}
		return level
	}
	before := read()
	for k := range pairs {
		c := verdict.Cycle{Doses: map[string]int64{"rst": int64(10 + k%5), "clean": int64(10 + k%3)}}
		cycles = append(cycles, c)
		level += perPeer * float64(c.Doses["rst"])
		after := read()
		blocks = append(blocks, verdict.Block{Dose: float64(c.Doses["rst"] + c.Doses["clean"]), Before: before, After: after})
		before = read()
		blocks = append(blocks, verdict.Block{Before: after, After: before})
	}
	return blocks, cycles
}

// What the doses count is named, and its number beyond which growth is no filling may be another
// than that of peers.
func TestTrendOfEvents(t *testing.T) {
	t.Parallel()
	blocks := sample.Blocks("residents", 10, 1000, 640)
	for name, tt := range map[string]struct {
		bound int64
		want  verdict.Outcome
	}{"outlasted": {3000, verdict.Leaking}, "may fill": {0, verdict.Inconclusive}} {
		q := verdict.Question{Series: "heap", Scenario: "residents", Unit: verdict.Bytes, Fills: true, Bound: tt.bound, Per: verdict.PerEvent}
		got := verdict.Test(q, blocks)
		if got.Outcome != tt.want || got.PerThousand() != "1,000 events that a resident saw" || strings.Contains(got.Why+got.Advice(), "peer ") {
			t.Errorf("%s: %s because %s; %s", name, got.Outcome, got.Why, got.Advice())
		}
	}
}
