package verdict

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// Doses plans how many peers to put through each scenario in each cycle, about
// peers(scenario) on average, such that Judge can tell from the growth which
// scenario leaks: the doses of a cycle are different primes, so that a count of one
// per peer fits one scenario only, and the scenarios rise and fall over the cycles each in its own way, so
// that also a leak of one peer in 100 has the shape of its scenario. The same seed
// plans the same.
func Doses(scenarios []string, cycles int, peers func(scenario string) int, seed uint64) []Cycle {
	rng := rand.New(rand.NewPCG(seed, 0x646f736573))
	shapes := apart(len(scenarios), func() []float64 { return shape(cycles, rng) })
	// Small primes are few: whoever wants few peers chooses first.
	order := make([]int, len(scenarios))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return peers(scenarios[a]) - peers(scenarios[b]) })
	plan := make([]Cycle, cycles)
	for k := range plan {
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

// Trials plans cycles that tell which scenario leaks where the doses of plan did not: in
// each about half of the scenarios have as many peers as their largest cycle in plan had,
// so that no trial is a peak, and the others none. Each scenario is in trials of its own
// choice, and trials differ in size, so that what comes with any peer, or with time, is
// told from what comes with some: group testing (Dorfman, The Detection of Defective
// Members of Large Populations, 1943) for counts that scatter. The same seed plans the
// same.
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

// turns draws which trials a scenario is in: small, large and medium ones by turns.
func turns(trials int, rng *rand.Rand) []float64 {
	in := make([]float64, trials)
	for k := range in {
		if rng.Float64() < [...]float64{0.3, 0.7, 0.5}[k%3] {
			in[k] = 1
		}
	}
	return in
}

// apart returns so many shapes that differ as much as they can: each is, of many drawn,
// the farthest from those before it.
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

// shape draws doses of mean 1 between a fifth and a few times the mean: enough to differ,
// and none so small that a cycle would show nothing.
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

// distance is how well counts of the one shape can be told from the other's: the
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
