package verdict_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
)

// With the doses that Doses plans, leaks of whole numbers per peer are always attributed to the
// right scenarios, and rare leaks seldom to wrong ones.
func TestDosesLetTheScenarioBeSolvedFor(t *testing.T) {
	t.Parallel()
	scenarios := []string{"clean", "goodbye", "rst", "drop", "early-close", "fresh", "roam", "signal", "absent", "large", "duplicate", "bad-id", "bad-handshake", "bad-frame", "half-frame"}
	for _, tt := range []struct {
		name        string
		rates       []float64 // of scenarios chosen at random
		noise       int64
		right, most int // of 40 runs: at least so many right, at most so many wrong
	}{
		{"each", []float64{1}, 0, 40, 0},
		{"each_with_noise", []float64{1}, 2, 40, 0},
		{"twice", []float64{2}, 0, 40, 0},
		{"two_scenarios", []float64{1, 1}, 0, 40, 0},
		{"two_unlike", []float64{1, 2}, 0, 40, 0},
		{"seven", []float64{1, 1, 1, 1, 1, 1, 1}, 0, 40, 0},
		{"all_but_one", slices.Repeat([]float64{1}, 14), 0, 40, 0},
		{"all", slices.Repeat([]float64{1}, 15), 0, 40, 0},
		{"half", []float64{0.5}, 0, 34, 1},
		{"one_in_twenty", []float64{0.05}, 0, 20, 2},
		{"one_in_hundred", []float64{0.01}, 0, 0, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			right, wrong := 0, 0
			for seed := range uint64(40) {
				r := planned(scenarios, 3, 1009, seed)
				rng := rand.New(rand.NewPCG(seed, 4))
				rates := make(map[string]float64)
				for i, at := range rng.Perm(len(scenarios))[:len(tt.rates)] {
					rates[scenarios[at]] = tt.rates[i]
				}
				r.Findings = []verdict.Finding{finding("sites", verdict.Goroutine, grown(r, rates, tt.noise, rng))}
				r.Detectors = []verdict.Detector{{Name: "sites", State: verdict.Ready, Noise: float64(tt.noise)}}
				v := verdict.Judge(r)
				if len(v.Leaks) == 0 {
					continue // a rare leak may not happen
				}
				switch s := v.Leaks[0].Source; {
				case !s.Solved:
				case guilty(s, rates) && len(s.Or) == 0:
					right++
				case len(s.Or) == 0:
					wrong++
				}
			}
			if right < tt.right || wrong > tt.most {
				t.Errorf("%d of 40 right and %d wrong, want at least %d and at most %d", right, wrong, tt.right, tt.most)
			}
		})
	}
}

// planned returns a run in which all peers of the planned doses have landed.
func planned(scenarios []string, cycles, peers int, seed uint64) verdict.Run {
	r := verdict.Run{Seed: seed, Cycles: verdict.Doses(scenarios, cycles, mean(peers), seed)}
	for _, name := range scenarios {
		s := verdict.Scenario{Name: name}
		for _, c := range r.Cycles {
			s.Landed += c.Doses[name]
		}
		s.Planned = s.Landed
		r.Lives += s.Landed
		r.Scenarios = append(r.Scenarios, s)
	}
	return r
}

func mean(peers int) func(string) int { return func(string) int { return peers } }

// grown returns what leaks at rates leave in each cycle, with noise.
func grown(r verdict.Run, rates map[string]float64, noise int64, rng *rand.Rand) []int64 {
	var counts []int64
	for _, c := range r.Cycles {
		n := int64(0)
		for _, s := range r.Scenarios {
			rate := rates[s.Name]
			for range c.Doses[s.Name] {
				n += int64(rate)
				if rng.Float64() < rate-float64(int64(rate)) {
					n++
				}
			}
		}
		if noise > 0 {
			n += rng.Int64N(2*noise+1) - noise
		}
		counts = append(counts, n)
	}
	return counts
}

// guilty reports whether the attribution names exactly the scenarios of rates.
func guilty(s verdict.Attribution, rates map[string]float64) bool {
	for _, share := range s.Shares {
		if rates[share.Scenario] == 0 {
			return false
		}
	}
	return len(s.Shares) == len(rates)
}

// Doses of few peers vary, too, although small primes are few: a scenario that has the same dose in
// each cycle cannot be told from what the run itself leaves.
func TestDosesOfFewPeers(t *testing.T) {
	t.Parallel()
	names, _ := hubScenarios()
	same, all := 0, 0
	for seed := range uint64(20) {
		plan := verdict.Doses(names[:16], 3, mean(8), seed)
		for name, n := range plan[0].Doses {
			if all++; n == plan[1].Doses[name] && n == plan[2].Doses[name] {
				same++
			}
		}
	}
	if 100*same > all {
		t.Errorf("%d of %d scenarios have the same dose in each cycle", same, all)
	}
}

func TestDoses(t *testing.T) {
	t.Parallel()
	plan := verdict.Doses(sample.Scenarios, 4, mean(500), 7)
	total := int64(0)
	for k, c := range plan {
		seen := make(map[int64]string)
		for _, name := range sample.Scenarios {
			n := c.Doses[name]
			if other, ok := seen[n]; ok || n < 2 {
				t.Errorf("cycle %d has %d peers for both %s and %s", k, n, name, other)
			}
			for d := int64(2); d*d <= n; d++ {
				if n%d == 0 {
					t.Errorf("the dose %d is not prime", n)
				}
			}
			seen[n], total = name, total+n
		}
	}
	if mean := total / int64(len(sample.Scenarios)*4); mean < 490 || mean > 530 {
		t.Errorf("%d peers on average, want about 500", mean)
	}
	again := verdict.Doses(sample.Scenarios, 4, mean(500), 7)
	if other := verdict.Doses(sample.Scenarios, 4, mean(500), 8); again[0].Doses["rst"] != plan[0].Doses["rst"] || other[0].Doses["rst"] == plan[0].Doses["rst"] {
		t.Error("the doses do not depend on the seed alone")
	}
}

// With more cycles than scenarios any mixture of rates is found.
func TestMixtures(t *testing.T) {
	t.Parallel()
	scenarios := []string{"a", "b", "c"}
	rates := map[string]float64{"a": 0.3, "c": 2.6}
	right := 0
	for seed := range uint64(20) {
		r := planned(scenarios, 9, 800, seed)
		r.Findings = []verdict.Finding{finding("goroutines", verdict.Goroutine, grown(r, rates, 0, rand.New(rand.NewPCG(seed, 5))))}
		r.Detectors = []verdict.Detector{{Name: "goroutines", State: verdict.Ready}}
		s := verdict.Judge(r).Leaks[0].Source
		if !guilty(s, rates) {
			t.Log(s, s.Shares, s.Or)
			continue
		}
		right++
		if a, c := s.Shares[0].PerPeer, s.Shares[1].PerPeer; a < 0.2 || a > 0.4 || c < 2.5 || c > 2.7 {
			t.Errorf("seed %d: got %v per peer", seed, s.Shares)
		}
	}
	if right < 18 {
		t.Errorf("%d of 20 mixtures solved", right)
	}
}

// The scenarios that leak are found among many, with the same number of things per peer or with
// different whole numbers.
func TestSomeOfManyScenarios(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 28 {
		many = append(many, fmt.Sprintf("scenario %d", i))
	}
	for _, each := range [][3]float64{{1, 1, 1}, {3, 5, 1}} {
		right := 0
		for seed := range uint64(20) {
			r := planned(many, 4, 40, seed)
			rates := map[string]float64{many[seed]: each[0], many[seed+3]: each[1], many[seed+7]: each[2]}
			r.Findings = []verdict.Finding{finding("goroutines", verdict.Goroutine, grown(r, rates, 0, rand.New(rand.NewPCG(seed, 9))))}
			r.Detectors = []verdict.Detector{{Name: "goroutines", State: verdict.Ready}}
			if s := verdict.Judge(r).Leaks[0].Source; guilty(s, rates) && len(s.Or) == 0 {
				right++
			} else {
				t.Log(each, seed, s, s.Or)
			}
		}
		if right < 19 {
			t.Errorf("%v: %d of 20 solved", each, right)
		}
	}
}

// A leak of every session is attributed to all scenarios also if some peers have two sessions.
func TestEverySession(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 28 {
		many = append(many, fmt.Sprintf("scenario %d", i))
	}
	r := planned(many, 4, 40, 1)
	var counts []int64
	for k, c := range r.Cycles {
		r.Cycles[k].Sessions = map[string]int64{}
		n := int64(0)
		for i, name := range many {
			r.Cycles[k].Sessions[name] = c.Doses[name] * int64([]int{1, 2, 1, 1, 0}[i%5])
			n += r.Cycles[k].Sessions[name]
		}
		counts = append(counts, n)
	}
	r.Findings = []verdict.Finding{finding("goroutines", verdict.Goroutine, counts)}
	r.Detectors = []verdict.Detector{{Name: "goroutines", State: verdict.Ready}}
	s := verdict.Judge(r).Leaks[0].Source
	if !s.Solved || len(s.Or) > 0 || len(s.But) != 5 {
		t.Errorf("got %s, but %q", s, s.But)
	}
}
