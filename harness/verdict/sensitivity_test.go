package verdict_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
)

// The smallest leak that the verdict prints is one that is found: planted at
// random, one peer in so many of the scenario with the fewest peers, a detector
// that reports what exceeds its noise in every cycle sees it with 99 %.
func TestSensitivityIsKept(t *testing.T) {
	t.Parallel()
	const runs = 2000
	for _, noise := range []float64{0, 1, 4} {
		r := sample.Clean()
		r.Detectors = []verdict.Detector{{Name: "sites", State: verdict.Ready, Noise: noise}}
		s := verdict.Judge(r).Sensitivity
		if !s.Known || s.Detector != "sites" {
			t.Fatalf("no sensitivity: %+v", s)
		}
		rng := rand.New(rand.NewPCG(1, uint64(noise)))
		seen := 0
		for range runs {
			least, all := int64(math.MaxInt64), int64(0)
			for _, c := range r.Cycles {
				n := int64(0)
				for range c.Doses["rst"] {
					if rng.Float64() < 1/s.Peers {
						n++
					}
				}
				least, all = min(least, n), all+n
			}
			if float64(least) > noise || noise == 0 && all > 0 {
				seen++
			}
		}
		if seen < runs*985/1000 {
			t.Errorf("with a noise of %v, 1 in %.0f peers is seen in %d of %d runs", noise, s.Peers, seen, runs)
		}
	}
}

func TestSensitivity(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*verdict.Run)
		want   string
	}{
		{"as_it_is", func(*verdict.Run) {}, "1 object per 127 peers"},
		{"without_the_noisy_one", func(r *verdict.Run) { r.Detectors[2].State = verdict.Off }, "1 object per 657 peers"},
		{"noisier_than_the_dose", func(r *verdict.Run) { r.Detectors[2].Noise = 5000 }, "6 objects per peer"},
		{"without_cycles", func(r *verdict.Run) { r.Cycles = nil }, "1 object per 455 peers"},
		{"without_scenarios", func(r *verdict.Run) { r.Cycles, r.Scenarios = nil, nil }, "1 object per 15,219 peers"},
		{"of_a_run_of_nobody", func(r *verdict.Run) { r.Cycles, r.Scenarios, r.Lives = nil, nil, 0 }, "not known"},
		{"of_the_blind", func(r *verdict.Run) { r.Detectors = nil }, "not known"},
	} {
		r := sample.Clean()
		tt.change(&r)
		if got := verdict.Judge(r).Sensitivity.String(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
