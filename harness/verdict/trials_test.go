package verdict_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// hubScenarios are as many as a hub is put through, with how many peers on average.
func hubScenarios() (names []string, peers func(string) int) {
	names = []string{
		"clean", "return", "goodbye", "rst", "drop", "early-close", "fresh", "roam", "signal", "absent", "large", "duplicate", "bad-frame", "half-frame",
		"subscribe", "bad-id", "bad-handshake", "vanish", "mute", "trickle", "stall", "start-stop", "cut-off", "full", "unauthorized", "flood", "reconnect", "hub",
	}
	return names, func(name string) int {
		switch i := slices.Index(names, name); {
		case i >= slices.Index(names, "flood"):
			return 5
		case i >= slices.Index(names, "vanish"):
			return 10
		}
		return 60
	}
}

// Six trials attribute leaks that the doses of four cycles seldom attribute.
func TestTrials(t *testing.T) {
	if testing.Short() {
		t.Skip("it computes for long")
	}
	t.Parallel()
	names, peers := hubScenarios()
	joins := names[:15] // those whose peers join a network
	for _, tt := range []struct {
		name   string
		rate   float64
		spread float64 // of what a cycle leaves, by chance
		guilty []string
		twice  string // a scenario that leaks three times as much
		before int    // of 40: at most so many attributed rightly without trials
		right  int    // at least so many attributed rightly with trials
		wrong  int    // at most so many attributed wrongly with trials
	}{
		{"memberships", 1, 0, joins, "roam", 24, 40, 0},
		{"bytes", 3700, 0.15, []string{"half-frame"}, "", 2, 38, 1},
		{"bytes of few peers", 3700, 0.15, []string{"stall"}, "", 2, 36, 4},
		{"one in a hundred of every peer that joins", 0.01, 0, joins, "", 2, 20, 4},
		{"one in twenty", 0.05, 0, []string{"absent"}, "", 2, 28, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rates := map[string]float64{}
			for _, name := range tt.guilty {
				rates[name] = tt.rate
			}
			if tt.twice != "" {
				rates[tt.twice] *= 3
			}
			before, _ := solveWith(names, peers, rates, tt.spread, 0)
			right, wrong := solveWith(names, peers, rates, tt.spread, 6)
			t.Logf("of 40: %d attributed without trials; %d rightly and %d wrongly with six", before, right, wrong)
			if before > tt.before || right < tt.right || wrong > tt.wrong {
				t.Errorf("want at most %d; at least %d and at most %d", tt.before, tt.right, tt.wrong)
			}
		})
	}
}

// solveWith returns how many of 40 leaks are attributed rightly and how many wrongly, after four
// cycles and so many trials.
func solveWith(names []string, peers func(string) int, rates map[string]float64, spread float64, trials int) (right, wrong int) {
	for seed := range uint64(40) {
		r := verdict.Run{Seed: seed, Cycles: verdict.Doses(names, 4, peers, seed)}
		r.Cycles = append(r.Cycles, verdict.Trials(r.Cycles, trials, seed)...)
		for _, name := range names {
			r.Scenarios = append(r.Scenarios, verdict.Scenario{Name: name, Planned: 1, Landed: 1})
		}
		rng := rand.New(rand.NewPCG(seed, 11))
		counts := grown(r, rates, 0, rng)
		for k := range counts {
			counts[k] = int64(float64(counts[k]) * (1 + spread*rng.NormFloat64()))
		}
		r.Findings = []verdict.Finding{finding("gauges", verdict.Gauge, counts)}
		r.Detectors = []verdict.Detector{{Name: "gauges", State: verdict.Ready}}
		v := verdict.Judge(r)
		if len(v.Leaks) == 0 || !v.Leaks[0].Source.Solved {
			continue
		}
		if s := v.Leaks[0].Source; len(s.Or) == 0 && blames(s, rates, names) {
			right++
		} else if !blames(s, rates, names) {
			wrong++
		}
	}
	return right, wrong
}

// blames reports whether a source is one scenario that leaks alone, or most of those that do
// together.
func blames(s verdict.Attribution, rates map[string]float64, names []string) bool {
	if len(rates) == 1 {
		return guilty(s, rates)
	}
	return s.Every || len(s.But) > 0 || 3*len(s.Shares) > len(names)
}

// A trial is never a larger crowd of a scenario than a cycle was, each scenario is in
// trials of its own, and the same seed plans the same.
func TestTrialsPlan(t *testing.T) {
	t.Parallel()
	names, peers := hubScenarios()
	plan := verdict.Doses(names, 4, peers, 3)
	trials := verdict.Trials(plan, 6, 3)
	in := map[string][6]bool{}
	for k, trial := range trials {
		if !trial.Trial {
			t.Errorf("trial %d is none", k)
		}
		for _, name := range names {
			turns := in[name]
			turns[k] = trial.Doses[name] > 0
			in[name] = turns
			if n := trial.Doses[name]; n > 0 && !slices.ContainsFunc(plan, func(c verdict.Cycle) bool { return c.Doses[name] >= n }) {
				t.Errorf("%d peers of %s, more than in any cycle", n, name)
			}
		}
	}
	seen := map[[6]bool]string{}
	for _, name := range names {
		if other, known := seen[in[name]]; known {
			t.Errorf("%s and %s are in the same trials", name, other)
		}
		seen[in[name]] = name
	}
	if again := verdict.Trials(plan, 6, 3); again[2].Doses["rst"] != trials[2].Doses["rst"] || again[5].Doses["clean"] != trials[5].Doses["clean"] {
		t.Error("the same seed plans something else")
	}
}
