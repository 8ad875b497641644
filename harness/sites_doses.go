package harness

import "math/rand/v2"

// PrimeDoses returns how many peers to send through each scenario in each cycle,
// doses[cycle][scenario]: different primes between an eighth of peak and peak. The
// further apart they are, the better Solve can tell scenarios apart. The same seed
// gives the same doses.
func PrimeDoses(seed uint64, cycles, scenarios int, peak int64) [][]int64 {
	rng := rand.New(rand.NewPCG(seed, 0))
	used := map[int64]bool{}
	doses := make([][]int64, cycles)
	for k := range doses {
		for range scenarios {
			p := max(2, peak/8) + rng.Int64N(max(1, peak-peak/8))
			for used[p] || !isPrime(p) {
				p++
			}
			used[p] = true
			doses[k] = append(doses[k], p)
		}
	}
	return doses
}

func isPrime(n int64) bool {
	for d := int64(2); d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}
