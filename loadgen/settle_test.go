package loadgen

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/probe"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
)

// letsGo returns a target that releases its peers some time after they have left.
func letsGo(after time.Duration) *target {
	start := time.Now()
	return &target{waits: usualWaits, quiet: usualWaits.longestQuiet, died: func() error { return nil }, probes: []probe.Probe{{Name: "health",
		Read: func(context.Context) (map[string]float64, error) {
			if time.Since(start) < after {
				return map[string]float64{"peers": 3}, nil
			}
			return map[string]float64{"peers": 1}, nil
		}}}}
}

// A target that lets go late is waited for the first time, and from then on.
func TestSettleLearns(t *testing.T) {
	t.Parallel()
	before := reading{"health.peers": 1}
	for _, tt := range []struct {
		name        string
		after       time.Duration
		first, next float64 // peers that are read
		quiet       time.Duration
	}{
		{"at_once", 0, 1, 1, usualWaits.quiet},
		{"late", 2 * time.Second, 1, 1, 4 * time.Second},
		{"never", time.Hour, 3, 3, usualWaits.quiet},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				target := letsGo(tt.after)
				got, err := target.settleFirst(t.Context(), before)
				if err != nil || got["health.peers"] != tt.first || target.quiet < tt.quiet || target.quiet > tt.quiet+500*time.Millisecond {
					t.Errorf("read %v, and waits %s from now on: %v", got, target.quiet, err)
				}
				again := letsGo(tt.after)
				again.quiet = target.quiet
				if got, err := again.settle(t.Context(), before); err != nil || got["health.peers"] != tt.next {
					t.Errorf("the next time it reads %v: %v", got, err)
				}
			})
		})
	}
}

// One that takes some seconds, as on a busy machine, is waited for also where nothing
// was learned: it was read after one, and a peer that was about to go made a clean run
// a doubtful one. One that is known to be quicker is not.
func TestSettleWithoutHavingLearned(t *testing.T) {
	t.Parallel()
	before := reading{"health.peers": 1}
	for quiet, want := range map[time.Duration]float64{usualWaits.longestQuiet: 1, usualWaits.quiet: 3} {
		synctest.Test(t, func(t *testing.T) {
			target := letsGo(2 * time.Second)
			target.quiet = quiet
			if got, err := target.settle(t.Context(), before); err != nil || got["health.peers"] != want {
				t.Errorf("quiet for %s: read %v, want %v: %v", quiet, got, want, err)
			}
		})
	}
}

// A count that is now and then one less than usual is not taken for one that has grown:
// what is read before a load is the usual.
func TestUsual(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		target := &target{waits: usualWaits, quiet: usualWaits.longestQuiet, died: func() error { return nil }, probes: []probe.Probe{{Name: "metrics",
			Read: func(context.Context) (map[string]float64, error) {
				if n++; n == 4 {
					return map[string]float64{"go_goroutines": 10}, nil
				}
				return map[string]float64{"go_goroutines": 11}, nil
			}}}}
		before, err := target.usual(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		after, err := target.settle(t.Context(), before)
		if doubts := stayed(before, after, "ws://a"); err != nil || len(doubts) > 0 || n < 5 {
			t.Errorf("%d readings, %v: %v", n, doubts, err)
		}
	})
}

// answers is a target with a health page and profiles, whose readings a function may
// have fail.
func answers(fails func(probe string, n int) error) *target {
	t := &target{waits: usualWaits, quiet: usualWaits.quiet, died: func() error { return nil }}
	for _, name := range []string{"health", "pprof"} {
		n := 0
		t.add(probe.Probe{Name: name, Read: func(context.Context) (map[string]float64, error) {
			if n++; fails(name, n) != nil {
				return nil, fails(name, n)
			}
			return map[string]float64{"peers": 1, "heap_live_bytes": 1e6}, nil
		}})
	}
	return t
}

// Profiles that are slow once are read the next time.
func TestRestIsReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target := answers(func(name string, n int) error {
			if name == "pprof" && n == 1 {
				pause(t.Context(), 10*time.Second)
				return context.DeadlineExceeded
			}
			return nil
		})
		got, err := target.settle(t.Context(), reading{"health.peers": 1})
		if _, ok := got["pprof.heap_live_bytes"]; err != nil || !ok {
			t.Errorf("read %v: %v", got, err)
		}
	})
}

// A probe that fails at the baseline, or later, makes the run invalid: what was not read
// was not asked about. What was read before it failed is kept.
func TestMissingProbe(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]int{"baseline": 1, "later": 4} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				target := answers(func(name string, n int) error {
					if name == "pprof" && n >= from {
						return errors.New("a banner")
					}
					return nil
				})
				run := verdict.Run{Lives: 1, Detectors: target.detectors()}
				e := &experiment{phaseRun: &phaseRun{target: target, fleet: newFleet("", codec.PeerPigeon{}), evidence: &run}, first: reading{"health.peers": 1}}
				for range 3 {
					if !e.settle(t.Context(), 0) {
						t.Fatal("it does not go on")
					}
				}
				if _, ok := e.known["pprof.heap_live_bytes"]; ok != (from > 1) || len(e.blocks) != 2 {
					t.Errorf("known %v after %d blocks", e.known, len(e.blocks))
				}
				v := verdict.Judge(run)
				if v.Outcome != verdict.Invalid || len(v.Invalid) != 1 || !strings.Contains(v.Invalid[0].What, "pprof is missing") || !strings.Contains(v.Invalid[0].What, "a banner") {
					t.Errorf("outcome %s, invalid for %v", v.Outcome, v.Invalid)
				}
			})
		})
	}
}

// A load after which a probe cannot be read is no pass.
func TestMissingProbeAfterALoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		loaded := false
		target := answers(func(name string, _ int) error {
			if loaded && name == "pprof" {
				return errors.New("a banner")
			}
			return nil
		})
		r := &runner{target: target, fleet: newFleet("", codec.PeerPigeon{}), run: verdict.Run{Lives: 1, Detectors: target.detectors()}}
		p := profile{run: func(context.Context, *phaseRun) error { loaded = true; return nil }}
		if err := r.bracket(t.Context(), &phaseRun{}, p); err != nil {
			t.Fatal(err)
		}
		if v := verdict.Judge(r.run); v.Outcome != verdict.Invalid {
			t.Errorf("outcome %s", v.Outcome)
		}
	})
}

// A reading that fails does not count as settled: settle waits for the next one.
func TestSettleWithoutAReading(t *testing.T) {
	t.Parallel()
	now := reading{"health.peers": 3}
	for _, tt := range []struct {
		now, before reading
		want        bool
	}{{now, nil, false}, {now, reading{}, false}, {reading{}, now, false}, {now, now, true}, {now, reading{"health.peers": 2}, false}} {
		if got := isBack(tt.now, tt.before); got != tt.want {
			t.Errorf("%v after %v: back %t", tt.now, tt.before, got)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		target := letsGo(2 * time.Second)
		if got, err := target.settle(t.Context(), reading{}); err != nil || got["health.peers"] != 1 {
			t.Errorf("read %v: %v", got, err)
		}
	})
}

// A number that rises and falls without peers, as the bytes of a heap do, is not waited for.
func TestSettleIgnoresWhatMovesByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		target := &target{waits: usualWaits, quiet: usualWaits.longestQuiet, died: func() error { return nil }}
		target.add(probe.Probe{Name: "health", Read: func(context.Context) (map[string]float64, error) {
			n++
			return map[string]float64{"peers": 1, "heap": 4e6 + 1000*float64(n%50)}, nil
		}})
		e := &experiment{phaseRun: &phaseRun{target: target}}
		e.readIdle(t.Context())
		begin := time.Now()
		if _, err := target.settleFirst(t.Context(), reading{"health.peers": 1, "health.heap": 4e6}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > pollEvery || target.quiet != usualWaits.quiet {
			t.Errorf("it settled in %s, and waits %s from now on", took, target.quiet)
		}
	})
}
