package detect_test

import (
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// powerRuns is the number of seeded runs that measure the power of Sites. HARNESS_RUNS sets it.
func powerRuns(t *testing.T) uint64 {
	n, err := strconv.ParseUint(os.Getenv("HARNESS_RUNS"), 10, 64)
	switch {
	case err == nil:
		return n
	case testing.Short() || raceEnabled:
		return 5
	}
	return 20
}

// No clean run has a finding.
func TestSitesFindsNothingInCleanRuns(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	for seed := range powerRuns(t) {
		if found := churn(t, seed, primes[:3], nil); found != nil {
			t.Errorf("seed %d", seed)
			wantNone(t, found)
		}
	}
}

// A leak of one object of 16 bytes per peer is found in each run. A leak of each hundredth peer, at
// random, is found in 95 of 100 runs. Both have the right line.
func TestSitesPower(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	runs := powerRuns(t)
	for name, leak := range map[string]struct {
		keep func(*rand.Rand, *toySession)
		want uint64 // of 100 runs
	}{
		"every peer":      {keep16, 100},
		"one peer of 100": {keepRarely, 95},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			var hits uint64
			for seed := range runs {
				found := churn(t, seed, primes[:3], leak.keep)
				if len(found) == 1 && strings.Contains(found[0].Born.Function, "detect_test.keep") {
					hits++
					continue
				}
				t.Logf("seed %d: %d findings", seed, len(found))
				for _, f := range found {
					if !strings.Contains(f.Born.Function, "detect_test.keep") {
						wantNone(t, []verdict.Finding{f})
					}
				}
			}
			t.Logf("found in %d of %d runs", hits, runs)
			if 100*hits < leak.want*runs {
				t.Errorf("found in %d of %d runs, want %d of 100", hits, runs, leak.want)
			}
		})
	}
}

func keepRarely(rng *rand.Rand, s *toySession) {
	if rng.IntN(100) == 0 {
		s.hub.kept = append(s.hub.kept, &sixteen{1, 2})
	}
}

// A leak that is too rare to grow in each of three cycles needs more cycles.
func TestSitesFindsRareLeaksInMoreCycles(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	h, rng := newToyHub(), rand.New(rand.NewPCG(5, 5))
	h.crowd(rng, 1100, nil)
	doses := append(append([]int64{}, primes...), primes...)
	found := findIn(t, &detect.Sites{}, doses, func(_ int, dose int64) {
		h.crowd(rng, dose, func(rng *rand.Rand, s *toySession) {
			if rng.IntN(400) == 0 {
				s.hub.kept = append(s.hub.kept, &sixteen{1, 2})
			}
		})
	})
	if len(found) != 1 || !strings.Contains(found[0].Detail, "growing with the number of peers") {
		wantNone(t, found)
		t.Errorf("%d findings", len(found))
	}
	runtime.KeepAlive(h)
}
