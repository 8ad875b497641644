package verdict_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// levels returns the memory that a target holds after so many peers, at the end of block
// number block.
type levels func(peers float64, on bool, block int) float64

// bounded fills by size for each peer, until it holds most.
func bounded(size, most float64) levels {
	return func(peers float64, _ bool, _ int) float64 { return size * min(peers, most) }
}

// asymptotic fills a cache whose entries are replaced at random.
func asymptotic(size, most float64) levels {
	return func(peers float64, _ bool, _ int) float64 { return size * most * -math.Expm1(-peers/most) }
}

// late lets go of what an on block leaves at the end of the next block.
func late(size float64) levels {
	return func(_ float64, on bool, _ int) float64 {
		if on {
			return size
		}
		return 0
	}
}

func leaks(size float64) levels {
	return func(peers float64, _ bool, _ int) float64 { return size * peers }
}

func both(a, b levels) levels {
	return func(peers float64, on bool, block int) float64 { return a(peers, on, block) + b(peers, on, block) }
}

// idly grows in each block, whether peers are there or not.
func idly(size float64) levels {
	return func(_ float64, _ bool, block int) float64 { return size * float64(block) }
}

// play reads a target in pairs of blocks, in random order and of 500 peers, as a load test
// does: until the trend is decided, or most peers have come.
func play(l levels, noise float64, most float64, seed uint64) verdict.Trend {
	const perBlock = 500
	rng := rand.New(rand.NewPCG(seed, 7))
	read := func(peers float64, on bool, block int) float64 {
		return 5e6 + l(peers, on, block) + noise*rng.NormFloat64()
	}
	q := verdict.Question{Series: "heap", Unit: verdict.Bytes, Fills: true, Matters: 64}
	var t verdict.Trend
	var blocks []verdict.Block
	peers, before := 0.0, read(0, false, 0)
	for size := float64(perBlock); peers < most && t.Outcome != verdict.Leaking && t.Outcome != verdict.None; {
		first := rng.IntN(2)
		for i := range 2 {
			b := verdict.Block{Before: before}
			if i == first {
				b.Dose = math.Round(size * (0.8 + 0.4*rng.Float64()))
				peers += b.Dose
			}
			b.After = read(peers, i == first, len(blocks)+1)
			before = b.After
			blocks = append(blocks, b)
		}
		if len(blocks) >= 8 {
			t = verdict.Test(q, blocks)
		}
		if len(blocks)%40 == 0 {
			size *= 2
		}
	}
	return t
}

// A level that fills to a bound, is released a block later or grows without peers is at no time of
// a run reported as a leak. Leaks of several slopes are found.
func TestSeries(t *testing.T) {
	t.Parallel()
	const runs = 40
	found := func(n int) bool { return n >= runs*95/100 }
	never := func(n int) bool { return n == 0 }
	for name, tt := range map[string]struct {
		levels levels
		noise  float64
		want   func(int) bool // runs with a leak
	}{
		"ring of 1,000":                 {bounded(850, 1000), 20_000, never},
		"ring of 10,000":                {bounded(850, 10_000), 20_000, never},
		"ring of 30,000":                {bounded(2048, 30_000), 20_000, never},
		"ring of 60,000, quiet":         {bounded(200, 60_000), 100, never},
		"cache with random replacement": {asymptotic(2048, 5_000), 20_000, never},
		"large one":                     {asymptotic(1024, 20_000), 20_000, never},
		"released a block later":        {late(500_000), 5_000, never},
		"released later, noisy":         {late(500_000), 50_000, never},
		"released later, and idle":      {both(late(500_000), idly(2_000)), 5_000, never},
		"grows idly":                    {idly(50_000), 5_000, never},
		"nothing":                       {leaks(0), 20_000, never},
		"leak of 100 B":                 {leaks(100), 5_000, found},
		"leak of 1 kB":                  {leaks(1000), 50_000, found},
		"leak of 10 kB":                 {leaks(10_000), 500_000, found},
		"leak of 1 kB beside a ring":    {both(leaks(1000), bounded(850, 10_000)), 20_000, found},
		"leak of 1 kB that grows idly":  {both(leaks(1000), idly(50_000)), 20_000, found},
		"leak of 1 kB, some let go":     {both(leaks(1000), late(100_000)), 20_000, found},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := map[verdict.Outcome]int{}
			peers := int64(0)
			for seed := range uint64(runs) {
				got := play(tt.levels, tt.noise, 200_000, seed)
				of[got.Outcome]++
				peers += got.Peers / runs
				if got.Outcome == verdict.Leaking && (got.Returned || got.Retained < got.Smallest) {
					t.Errorf("seed %d: a leak that is back, or smaller than what was seen: %+v", seed, got)
				}
				if got.Outcome == verdict.Inconclusive && got.More <= 0 {
					t.Errorf("seed %d: undecided, and no advice: %+v", seed, got)
				}
			}
			t.Logf("of %d runs: %v, after %d peers on average", runs, of, peers)
			if !tt.want(of[verdict.Leaking]) {
				t.Errorf("%d of %d are called a leak", of[verdict.Leaking], runs)
			}
		})
	}
}
