package harness_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness"
)

// grow returns the growth that so much per peer of each scenario brings.
func grow(doses [][]int64, perPeer []int64) []int64 {
	growth := make([]int64, len(doses))
	for k, d := range doses {
		for i, n := range d {
			growth[k] += n * perPeer[i]
		}
	}
	return growth
}

func TestPrimeDoses(t *testing.T) {
	t.Parallel()
	doses := harness.PrimeDoses(0x5eed, 3, 15, 1000)
	seen := map[int64]bool{}
	for _, cycle := range doses {
		for _, p := range cycle {
			if seen[p] || p < 125 || p > 1100 {
				t.Errorf("dose %d", p)
			}
			seen[p] = true
			for d := int64(2); d*d <= p; d++ {
				if p%d == 0 {
					t.Errorf("%d is no prime", p)
				}
			}
		}
	}
	if again := harness.PrimeDoses(0x5eed, 3, 15, 1000); !slices.EqualFunc(doses, again, slices.Equal) {
		t.Error("the same seed gave other doses")
	}
}

// Whole numbers per peer are found exactly, whatever the scenarios share.
func TestSolveWholeNumbers(t *testing.T) {
	t.Parallel()
	for name, perPeer := range map[string][]int64{
		"one":              {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"three of one":     {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0},
		"two":              {0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
		"twice as many":    {0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"1, 2 and 5":       {0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 5, 0, 0},
		"all":              {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
		"all but two":      {1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1},
		"half, two apiece": {2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				doses := harness.PrimeDoses(seed, 4, len(perPeer), 1000)
				got, err := harness.Solve(grow(doses, perPeer), doses)
				if err != nil || !got.Exact || !got.Unique || got.Residual != 0 {
					t.Fatalf("seed %d: %+v, %v", seed, got, err)
				}
				for i, a := range got.PerPeer {
					if a != float64(perPeer[i]) {
						t.Errorf("seed %d: scenario %d brings %v, want %d", seed, i, a, perPeer[i])
					}
				}
			}
		})
	}
}

// A leak of every tenth peer of one scenario is attributed to it, and measured.
func TestSolveFractions(t *testing.T) {
	t.Parallel()
	const runs = 100
	named, falsely := 0, 0
	for seed := range uint64(runs) {
		rng := rand.New(rand.NewPCG(seed, 9))
		doses := harness.PrimeDoses(seed, 6, 7, 1000)
		culprit := rng.IntN(7)
		growth := make([]int64, len(doses))
		for k, d := range doses {
			for range d[culprit] {
				if rng.IntN(10) == 0 {
					growth[k]++
				}
			}
		}
		got, err := harness.Solve(growth, doses)
		if err != nil || got.Exact {
			t.Fatalf("seed %d: %+v, %v", seed, got, err)
		}
		switch {
		case !got.Unique:
		case math.Abs(got.PerPeer[culprit]-0.1) < 0.02 && slices.Max(got.PerPeer) == got.PerPeer[culprit]:
			named++
		default:
			falsely++
			t.Logf("seed %d: %+v, want 0.1 at %d", seed, got, culprit)
		}
	}
	t.Logf("named in %d of %d runs, falsely in %d", named, runs, falsely)
	if named < runs*95/100 || falsely > runs/100 {
		t.Errorf("named in %d of %d runs, falsely in %d", named, runs, falsely)
	}
}

// Where the doses cannot tell scenarios apart, it says so.
func TestSolveSaysWhatItCannotTell(t *testing.T) {
	t.Parallel()
	got, err := harness.Solve([]int64{100, 98, 103}, [][]int64{{1000, 1000}, {1000, 1000}, {1000, 1000}})
	if err != nil || got.Unique {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = harness.Solve([]int64{0, 0}, [][]int64{{7, 0}, {11, 0}})
	if err != nil || slices.Max(got.PerPeer) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, doses := range [][][]int64{nil, {{}}, {{1}, {1, 2}}, {make([]int64, 30), make([]int64, 30)}} {
		if _, err := harness.Solve(make([]int64, len(doses)), doses); err == nil {
			t.Errorf("%v was accepted", doses)
		}
	}
}
