package suspect

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The rate of false alarms holds for any distribution of values, and if they follow the
// sessions: in N low points at most N/A of the servers reach the threshold A.
func TestThresholdsAreRarelyReached(t *testing.T) {
	t.Parallel()
	const runs, points = 2000, 60
	for name, draw := range map[string]func(*rand.Rand) (sessions int, value float64){
		"continuous":  func(r *rand.Rand) (int, float64) { return 0, r.NormFloat64() },
		"heavy_tails": func(r *rand.Rand) (int, float64) { return 0, math.Tan(math.Pi * (r.Float64() - 0.5)) },
		"counts":      func(r *rand.Rand) (int, float64) { return 0, float64(r.IntN(3)) },
		"constant":    func(*rand.Rand) (int, float64) { return 0, 7 },
		"follows":     func(r *rand.Rand) (int, float64) { n := r.IntN(50); return n, float64(n) + r.NormFloat64() },
		"opposes":     func(r *rand.Rand) (int, float64) { n := r.IntN(50); return n, float64(-n) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(1, 2))
			reached := map[float64]int{100: 0, 1000: 0, 10_000: 0}
			for range runs {
				var list []Reading
				var one test
				highest := 0.0
				for range points {
					n, v := draw(rng)
					list = append(list, Reading{Sessions: n, Values: []float64{v}})
					one.add(rank(list, 0, 1), len(list))
					highest = max(highest, one.wealth)
				}
				for a := range reached {
					if highest >= a {
						reached[a]++
					}
				}
			}
			for a, n := range reached {
				if most := float64(runs) * points / a; float64(n) > most {
					t.Errorf("%d of %d reached %v, want at most %v", n, runs, a, most)
				}
			}
			t.Log(reached)
		})
	}
}

// A bet loses on average, whatever is bet on: the payoffs of all ranks sum up to less than n.
func TestPayoffIsFair(t *testing.T) {
	t.Parallel()
	for n := 1; n <= mostPoints; n++ {
		sum := 0.0
		for rank := 1; rank <= n; rank++ {
			sum += payoff(rank, n)
		}
		if sum > float64(n)*(1+1e-12) {
			t.Errorf("the payoffs for %d low points sum up to %v", n, sum)
		}
	}
}

// At most m of n low points can have the rank m or better when they come last.
func TestRanksAreFair(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		list := make([]Reading, 1+rng.IntN(12))
		for i := range list {
			list[i] = Reading{Sessions: rng.IntN(4), Values: []float64{float64(rng.IntN(6))}}
		}
		ranks := make(map[int]int)
		for i := range list {
			last := append(append([]Reading{}, list[:i]...), list[i+1:]...)
			ranks[rank(append(last, list[i]), 0, 1)]++
		}
		sum := 0
		for m := 1; m <= len(list); m++ {
			if sum += ranks[m]; sum > m {
				t.Fatalf("%d of %v have rank %d or better", sum, list, m)
			}
		}
	}
}
