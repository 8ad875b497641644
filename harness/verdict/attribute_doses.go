package verdict

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// Doses plans how many peers go through each scenario in each cycle, about peers(scenario) on
// average, so that Judge can find out from the growth which scenario leaks. The doses of a
// cycle are different primes, so a count of one per peer fits a single scenario. The doses of
// each scenario rise and fall over the cycles in a shape of its own, so even a leak of one
// peer in 100 has the shape of its scenario. Equal seeds give equal plans.
func Doses(scenarios []string, cycles int, peers func(scenario string) int, seed uint64) []Cycle {
	rng := rand.New(rand.NewPCG(seed, 0x646f736573))
	shapes := apart(len(scenarios), func() []float64 { return shape(cycles, rng) })
	order := make([]int, len(scenarios))
	for i := range order {
		order[i] = i
	}
	plan := make([]Cycle, cycles)
	for k := range plan {
		// Small primes are few, so the scenarios with few peers choose first. Of those with equally
		// many, the one with the smallest dose does: in a fixed order the last ones would have the same
		// dose in each cycle.
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Or(peers(scenarios[a])-peers(scenarios[b]), cmp.Compare(shapes[a][k], shapes[b][k]))
		})
		used := make(map[int]bool)
		plan[k].Doses = make(map[string]int64, len(scenarios))
		for _, i := range order {
			name := scenarios[i]
			n := max(2, int(math.Round(shapes[i][k]*float64(peers(name)))))
			for used[n] || !prime(n) {
				n++
			}
			used[n] = true
			plan[k].Doses[name] = int64(n)
		}
	}
	return plan
}

// Trials plans cycles that find out which scenario leaks if the doses of plan did not. In each
// trial about half of the scenarios have as many peers as in their largest cycle of plan, so
// no trial is a new peak, and the others have none. Each scenario takes part in a different
// set of trials, and trials differ in size, which separates leaks of single scenarios from
// growth with any peer or with time. This is group testing (Dorfman, The Detection of
// Defective Members of Large Populations, 1943) for counts that scatter. Equal seeds give
// equal plans.
func Trials(plan []Cycle, trials int, seed uint64) []Cycle {
	rng := rand.New(rand.NewPCG(seed, 0x747269616c73))
	largest := map[string]int64{}
	for _, c := range plan {
		for name, n := range c.Doses {
			largest[name] = max(largest[name], n)
		}
	}
	names := slices.Sorted(maps.Keys(largest))
	in := apart(len(names), func() []float64 { return turns(trials, rng) })
	list := make([]Cycle, trials)
	for k := range list {
		list[k] = Cycle{Trial: true, Doses: map[string]int64{}}
		for i, name := range names {
			list[k].Doses[name] = int64(in[i][k]) * largest[name]
		}
	}
	return list
}

// turns draws the trials in which a scenario takes part. Trials are small, large and medium in
// turn.
func turns(trials int, rng *rand.Rand) []float64 {
	in := make([]float64, trials)
	for k := range in {
		if rng.Float64() < [...]float64{0.3, 0.7, 0.5}[k%3] {
			in[k] = 1
		}
	}
	return in
}

// apart returns shapes that differ much from each other: each is the one, of many drawn, that
// is farthest from those before it.
func apart(shapes int, draw func() []float64) [][]float64 {
	const draws = 400
	list := make([][]float64, 0, shapes)
	for len(list) < shapes {
		var best []float64
		far := -1.0
		for range draws {
			s := draw()
			near := math.Inf(1)
			for _, other := range list {
				near = math.Min(near, distance(s, other))
			}
			if near > far {
				best, far = s, near
			}
		}
		list = append(list, best)
	}
	return list
}

// shape draws doses with a mean of 1, from about a fifth of it to a few times it. They differ
// enough, and none is so small that a cycle would show nothing.
func shape(cycles int, rng *rand.Rand) []float64 {
	s := make([]float64, cycles)
	total := 0.0
	for k := range s {
		s[k] = 0.25 + 2*rng.Float64()
		total += s[k]
	}
	for k := range s {
		s[k] *= float64(cycles) / total
	}
	return s
}

// distance returns how well counts of two shapes can be distinguished: the square of the
// Hellinger distance, in which Poisson scatter is the same everywhere.
func distance(a, b []float64) float64 {
	d := 0.0
	for k := range a {
		r := math.Sqrt(a[k]) - math.Sqrt(b[k])
		d += r * r
	}
	return d
}

func prime(n int) bool {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}
