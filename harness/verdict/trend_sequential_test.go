package verdict_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// world simulates the readings of a target.
type world struct {
	rng     *rand.Rand
	noise   func(*rand.Rand) float64 // of a reading
	drift   float64                  // added to the level in each block
	walk    float64                  // standard deviation of the random step in each block
	perPeer float64                  // retained
	dose    float64
	fixed   bool // on before off, instead of in random order
	whole   bool // readings are counts
}

// until runs pairs of blocks until the trend is decided, at most so many pairs.
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

// leak returns what one peer leaves: perPeer, or if readings are counts, a random whole number
// with that mean.
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

// tails returns noise with heavy tails: Student's t with three degrees of freedom.
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

// teeth returns the noise of a heap that is read at any time between two GCs.
func teeth(height float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return height * r.Float64() }
}

// sometimes returns noise that is 1 with probability p, else 0.
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

// The trend is tested after every pair of blocks. Of a thousand runs without a leak at most 1 % may
// be reported as leaks. Of 500 runs that leak as much as matters at most 1 % may be cleared.
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

// The error rates hold also for counts, although the model assumes no whole numbers.
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

// The interval holds the true value in at least 98 % of the runs.
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
