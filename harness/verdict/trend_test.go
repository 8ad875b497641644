package verdict_test

import (
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// world makes the readings of a target: what happens to a series beside the leak.
type world struct {
	rng     *rand.Rand
	noise   func(*rand.Rand) float64 // of a reading
	drift   float64                  // a block
	walk    float64                  // of the level, a block
	perPeer float64                  // retained
	dose    float64
	fixed   bool // on before off, instead of in random order
	whole   bool // readings are counts
}

// until runs pairs of blocks until the trend is decided, or so many have been.
func (w *world) until(q verdict.Question, most int) verdict.Trend {
	var blocks []verdict.Block
	level := 1e6
	read := func() float64 {
		v := level + w.noise(w.rng)
		if w.whole {
			v = math.Round(v)
		}
		return v
	}
	before := read()
	var t verdict.Trend
	for range most {
		on := w.fixed || w.rng.IntN(2) == 0
		for range 2 {
			b := verdict.Block{Before: before}
			if on {
				b.Scenario, b.Dose = q.Scenario, math.Round(w.dose*(0.7+0.6*w.rng.Float64()))
				for range int(b.Dose) {
					level += w.leak()
				}
			}
			level += w.drift + w.walk*w.rng.NormFloat64()
			before = read()
			b.After = before
			blocks = append(blocks, b)
			on = !on
		}
		if t = verdict.Test(q, blocks); t.Outcome != verdict.Inconclusive {
			return t
		}
	}
	return t
}

// leak is what one peer leaves: whole things at random, or bytes.
func (w *world) leak() float64 {
	if !w.whole {
		return w.perPeer
	}
	n := math.Floor(w.perPeer)
	if w.rng.Float64() < w.perPeer-n {
		n++
	}
	return n
}

func normal(sd float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return sd * r.NormFloat64() }
}

// tails is Student's t with three degrees of freedom: spikes far out.
func tails(sd float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 {
		chi := 0.0
		for range 3 {
			x := r.NormFloat64()
			chi += x * x
		}
		return sd * r.NormFloat64() / math.Sqrt(chi/3)
	}
}

// teeth are readings of a heap anywhere between two collections.
func teeth(height float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return height * r.Float64() }
}

// sometimes is a count that now and then is one more.
func sometimes(p float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 {
		if r.Float64() < p {
			return 1
		}
		return 0
	}
}

var worlds = []struct {
	name string
	world
}{
	{"normal", world{noise: normal(20_000)}},
	{"quiet", world{noise: normal(10)}},
	{"drifting", world{noise: normal(20_000), drift: 30_000}},
	{"walking", world{noise: normal(5_000), walk: 20_000}},
	{"heavy_tails", world{noise: tails(20_000)}},
	{"sawtooth", world{noise: teeth(100_000)}},
	{"fixed_order", world{noise: normal(20_000), fixed: true}},
}

// A thousand runs without a leak, looked at after every pair: at most 1 % may be
// called leaks, and as few of 500 that leak as much as matters may be cleared.
func TestSequentialErrors(t *testing.T) {
	t.Parallel()
	const runs, most = 1000, 25
	for _, tt := range worlds {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			alarms, missed, cleared, found := 0, 0, 0, 0
			for seed := range uint64(runs) {
				w := tt.world
				w.rng, w.dose = rand.New(rand.NewPCG(seed, 1)), 500
				q := verdict.Question{Series: "heap", Scenario: "rst", Unit: verdict.Bytes, Matters: 200}
				switch w.until(q, most).Outcome {
				case verdict.Leaking:
					alarms++
				case verdict.None:
					cleared++
				}
				if seed%2 == 1 {
					continue
				}
				w.perPeer = q.Matters
				switch w.until(q, most).Outcome {
				case verdict.None:
					missed++
				case verdict.Leaking:
					found++
				}
			}
			t.Logf("of %d without a leak %d alarms, %d cleared; of %d with one %d missed, %d found", runs, alarms, cleared, runs/2, missed, found)
			if alarms > runs/100 {
				t.Errorf("%d false alarms in %d runs", alarms, runs)
			}
			if missed > runs/2/100 {
				t.Errorf("%d of %d leaks were cleared", missed, runs/2)
			}
			if found < runs/2*8/10 || cleared < runs*8/10 {
				t.Errorf("only %d of %d found and %d of %d cleared within %d pairs", found, runs/2, cleared, runs, most)
			}
		})
	}
}

// Counts are whole numbers, which the model does not know; the errors must hold all
// the same.
func TestStrictSequentialErrors(t *testing.T) {
	t.Parallel()
	const runs, most = 1000, 20
	for _, tt := range []struct {
		name string
		world
	}{
		{"still", world{noise: normal(0)}},
		{"now_and_then_one_more", world{noise: sometimes(0.1)}},
		{"often_one_more", world{noise: sometimes(0.5)}},
		{"some", world{noise: normal(2)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			alarms, missed, found, pairs := 0, 0, 0, 0
			for seed := range uint64(runs) {
				w := tt.world
				w.rng, w.dose, w.whole = rand.New(rand.NewPCG(seed, 2)), 500, true
				q := verdict.Question{Series: "goroutines", Scenario: "rst", Class: verdict.Goroutine, Strict: true, Matters: 0.01}
				if w.until(q, most).Outcome == verdict.Leaking {
					alarms++
				}
				if seed%2 == 1 {
					continue
				}
				w.perPeer = q.Matters
				r := w.until(q, most)
				pairs += r.Pairs
				switch r.Outcome {
				case verdict.None:
					missed++
				case verdict.Leaking:
					found++
				}
			}
			t.Logf("of %d without a leak %d alarms; of %d with one %d missed, %d found after %d pairs on average", runs, alarms, runs/2, missed, found, 2*pairs/runs)
			if alarms > runs/100 || missed > runs/2/100 {
				t.Errorf("%d false alarms in %d runs and %d misses in %d", alarms, runs, missed, runs/2)
			}
			if found < runs/2*8/10 {
				t.Errorf("only %d of %d leaks found", found, runs/2)
			}
		})
	}
}

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
				t.Errorf("undecided, and does not say how many peers more: %+v", got)
			}
		})
	}
}

// filled grows by one for each peer, up to a bound.
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

// filling grows by a third of what is left of a bound in each on block.
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

// The interval and the smallest leak are promises, too.
func TestTrendFigures(t *testing.T) {
	t.Parallel()
	covered, runs := 0, 400
	for seed := range uint64(runs) {
		w := world{rng: rand.New(rand.NewPCG(seed, 3)), noise: normal(20_000), dose: 500, perPeer: 100}
		got := w.until(verdict.Question{Series: "heap", Scenario: "rst", Unit: verdict.Bytes, Matters: 1e-9}, 12)
		if got.Interval == nil {
			t.Fatalf("no interval after %d pairs", got.Pairs)
		}
		if got.Interval.Low <= 100_000 && 100_000 <= got.Interval.High {
			covered++
		}
		if got.Smallest <= 0 || got.Baseline == 0 || got.Noise <= 0 {
			t.Fatalf("figures missing: %+v", got)
		}
	}
	if covered < runs*98/100 {
		t.Errorf("%d of %d intervals hold the truth, want 98 %%", covered, runs)
	}
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

// A series that is missing in a reading now and then is judged by the blocks that have
// both of theirs, and nothing of the answer is no number: JSON has no word for it.
func TestGaps(t *testing.T) {
	t.Parallel()
	all := make([]int, 41)
	for i := range all {
		all[i] = i
	}
	for name, tt := range map[string]struct {
		perPeer float64
		want    verdict.Outcome
		missing []int // readings, of which the first is the baseline
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

// gappy are the blocks of a target that retains of each peer of one scenario, where
// some readings are missing.
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
