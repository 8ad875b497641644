package verdict_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
)

func plus(a, b []int64) []int64 {
	sum := slices.Clone(a)
	for i := range b {
		sum[i] += b[i]
	}
	return sum
}

func TestSource(t *testing.T) {
	t.Parallel()
	part := func(of []int64, n int64) []int64 {
		part := slices.Clone(of)
		for i := range part {
			part[i] /= n
		}
		return part
	}
	for _, tt := range []struct {
		name     string
		detector string
		counts   []int64
		want     string
		perPeer  float64
	}{
		{"one_scenario", "goroutines", of(1, "stall"), "scenario stall", 1},
		{"three_things_a_peer", "goroutines", of(3, "goodbye"), "scenario goodbye", 3},
		{"every_second_peer", "goroutines", part(of(1, "early-close"), 2), "scenario early-close", 0.5},
		{"every_hundredth_peer_of_as_many", "goroutines", part(of(1, "stall"), 100), "as many in each cycle, whatever the number of peers", 0.00196},
		{"two_scenarios", "goroutines", of(1, "rst", "vanish"), "rst and vanish", 1},
		{"two_scenarios_unlike", "goroutines", plus(of(1, "rst"), of(2, "roam")), "rst and roam", 1.8172543},
		{"three_scenarios", "goroutines", of(1, "rst", "vanish", "stall"), "rst, vanish and stall", 1},
		{"all", "goroutines", of(1, sample.Scenarios...), "every scenario", 1},
		{"all_but_one", "goroutines", of(1, sample.Scenarios[1:]...), "every scenario but clean", 1},
		{"all_but_two", "goroutines", of(2, sample.Scenarios[2:]...), "every scenario but clean and goodbye", 2},
		{"with_noise", "sites", plus(of(1, "vanish"), []int64{1, -1, 1}), "scenario vanish", 1},
		{"nothing_fits", "goroutines", odd, "", 0.01225},
		{"the_clock", "goroutines", []int64{12, 12, 12}, "as many in each cycle, whatever the number of peers", 0.000356},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := sample.Clean()
			r.Findings = []verdict.Finding{finding(tt.detector, verdict.Goroutine, tt.counts)}
			l := verdict.Judge(r).Leaks[0]
			if got := l.Source.String(); got != tt.want {
				t.Errorf("%v come from %q, want %q", tt.counts, got, tt.want)
			}
			if got := l.Source.PerPeer; got < tt.perPeer*0.99 || got > tt.perPeer*1.01 {
				t.Errorf("%v are %v per peer, want %v", tt.counts, got, tt.perPeer)
			}
		})
	}
}

// A detector that knows the scenario is believed, if it speaks of one that ran.
func TestSourceThatIsTold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		told map[string]int64
		want string
	}{
		{map[string]int64{"stall": 3}, "scenario stall"},
		{map[string]int64{"stall": 3, "rst": 3, "clean": 0}, "rst and stall"},
		{map[string]int64{"no such": 3}, "scenario rst"},
	} {
		r := sample.Clean()
		f := finding("watch", verdict.Object, of(1, "rst"), typed("*hub.session"))
		f.PerScenario = tt.told
		r.Findings = []verdict.Finding{f}
		if got := verdict.Judge(r).Leaks[0].Source.String(); got != tt.want {
			t.Errorf("told %v, got %q, want %q", tt.told, got, tt.want)
		}
	}
}

// Doses too much alike are said to be.
func TestSourceThatIsAmbiguous(t *testing.T) {
	t.Parallel()
	r := sample.Clean()
	r.Scenarios = r.Scenarios[:3]
	r.Cycles = []verdict.Cycle{{Doses: map[string]int64{"clean": 101, "goodbye": 101, "rst": 211}}}
	r.Findings = []verdict.Finding{goroutines(101)}
	v := verdict.Judge(r)
	if got := v.Leaks[0].Source.String(); got != "scenario clean (or goodbye)" {
		t.Errorf("got %q, want both", got)
	}
	if len(v.NotLeaking) > 0 {
		t.Errorf("%q are cleared although it may be one of two", v.NotLeaking)
	}
}

// The scenarios of the harness, with doses as Doses plans them and leaks at random:
// whole numbers are always told, rare leaks never blamed on the innocent often.
func TestDosesLetTheScenarioBeSolvedFor(t *testing.T) {
	t.Parallel()
	scenarios := []string{"clean", "goodbye", "rst", "drop", "early-close", "fresh", "roam", "signal", "absent", "large", "duplicate", "bad-id", "bad-handshake", "bad-frame", "half-frame"}
	for _, tt := range []struct {
		name        string
		rates       []float64 // of scenarios chosen at random
		noise       int64
		right, most int // of 40: named alone; named wrongly
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
					continue // a rare leak may hit nobody
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

// grown is what leaks at the rates leave in each cycle.
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

func guilty(s verdict.Attribution, rates map[string]float64) bool {
	for _, share := range s.Shares {
		if rates[share.Scenario] == 0 {
			return false
		}
	}
	return len(s.Shares) == len(rates)
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
				t.Errorf("cycle %d has %d peers for %s, and so has %s", k, n, name, other)
			}
			for d := int64(2); d*d <= n; d++ {
				if n%d == 0 {
					t.Errorf("%d is no prime", n)
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
		t.Error("the plan does not follow the seed")
	}
}

// More cycles than scenarios: any mixture can be solved for.
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

// Of many scenarios those are found that leak, be it the same number of things or
// different whole ones.
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

// A leak of every session is known for one also where some peers have two.
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
