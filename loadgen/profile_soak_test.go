package loadgen

import (
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func quickSoak(t *testing.T, seed uint64, d time.Duration) plan.Plan {
	t.Helper()
	p, err := PlanOf("soak")
	if err == nil {
		p.Seed = seed
		p, err = With(p, plan.Phase{Peers: 70, Rate: 1000, Networks: 3, Duration: d, Params: map[string]string{"stay": "60ms", "vanish": "100ms", "confirm": "1s"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A soak that finds nothing goes on until its time is up.
func TestSoak(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	r := run(t, Config{URL: (&toyHub{patient: true}).start(t), Plan: quickSoak(t, 21, 22*time.Second)})
	// On a busy machine there is not enough time to be sure.
	if v := r.Verdict; len(v.Leaks)+len(v.Failures) > 0 || v.Run.Lives < 200 {
		t.Errorf("outcome %s after %d lives", v.Outcome, v.Run.Lives)
	}
	if took := time.Since(begin); took < 12*time.Second {
		t.Errorf("it ended after %s", took)
	}
}

// One that is sure of a leak ends.
func TestSoakFindsALeak(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes more than a minute")
	}
	t.Parallel()
	begin := time.Now()
	quick := usualWaits
	quick.quiet = 300 * time.Millisecond // as long as that is waited at the end of each block
	r := run(t, Config{URL: (&toyHub{leakOffers: true, patient: true}).start(t), Plan: quickSoak(t, 22, 3*time.Minute), waits: quick})
	if len(r.Verdict.Leaks) != 1 || r.Verdict.Leaks[0].Field != "health.peers" {
		t.Errorf("outcome %s, leaks %v", r.Verdict.Outcome, r.Verdict.Leaks)
	}
	if took := time.Since(begin); took > 2*time.Minute {
		t.Errorf("it took %s", took)
	}
}

// A month takes hardly more memory than an hour: of each block a few readings are kept,
// and the blocks have a bound.
func TestSoakIsBounded(t *testing.T) {
	t.Parallel()
	f := soakProfile().phase
	f.Duration, f.Rate = plan.MaxDuration, 2000
	sizes := soakSizes(&f)
	if n := len(sizes) * pairsOfASize; n > 15_000 || sizes[len(sizes)-1] > maxBlockPeers {
		t.Errorf("%d pairs, the last of %d peers", n, sizes[len(sizes)-1])
	}
	var whole time.Duration
	for _, n := range sizes {
		whole += pairsOfASize * pairTime(&f, n)
	}
	if whole < plan.MaxDuration || sizes[1] != 2*sizes[0] {
		t.Errorf("the blocks take %s, the sizes begin with %v", whole, sizes[:2])
	}
	e := newSoak(&phaseRun{Phase: soakProfile().phase, fleet: newFleet("", codec.PeerPigeon{}), seed: 3})
	if e.restOf(0) < 5*time.Second || e.lives < 10_000 {
		t.Errorf("the first rest is %s; %d lives in an hour", e.restOf(0), e.lives)
	}
}
