package regress_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// The witness checks a planted leak without the harness. It puts lives through a hub and reads
// one figure of the process before and after. A mutant whose figure does not grow is no leak,
// and does not count as missed.
const (
	witnessGoal  = 300   // leaked things in a round
	witnessLives = 4000  // lives in a round, at most
	clearly      = 0.5   // share of the expected growth that confirms a leak
	barely       = 0.125 // share that a hub without a leak stays below
)

// TestWitness checks that a mutant leaks as its file says, in the first of its scenarios or in
// that of PIGEONHUB_SCENARIO. It runs in a binary that is built with the overlay of the mutant
// that PIGEONHUB_MUTANT names. For a benign control it checks that it does no harm.
func TestWitness(t *testing.T) {
	m := builtMutant(t)
	if other := os.Getenv("PIGEONHUB_SCENARIO"); other != "" {
		if !slices.Contains(m.scenarios, other) {
			t.Fatalf("%s does not list the scenario %s", m.name, other)
		}
		m.scenarios = []string{other}
	}
	if m.benign {
		expectHarmless(t)
		return
	}
	for i, growth := range m.growth(t) {
		if growth < clearly {
			t.Errorf("round %d: %s grew by %.2f of the expected growth, want at least %g", i+1, m.witness, growth, clearly)
		}
	}
}

// TestWitnessClean checks that the figures of the witness do not grow in the hub without a leak.
func TestWitnessClean(t *testing.T) {
	if os.Getenv("PIGEONHUB_WITNESS_CLEAN") == "" {
		t.Skip("PIGEONHUB_WITNESS_CLEAN is not set")
	}
	leaks, err := loadMutants(mutantsDir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range leaks {
		name := fmt.Sprintf("%s/%s/%g", m.scenarios[0], m.witness, m.rate)
		if seen[name] {
			continue
		}
		seen[name] = true
		t.Run(name, func(t *testing.T) {
			limit := barely
			if m.witness.name == "held" {
				limit = clearly // a connected peer costs some memory in any hub
			}
			if growth := m.growth(t); slices.Min(growth) >= limit {
				t.Errorf("%s grew by %.2f of the expected growth, want below %g", m.witness, growth, limit)
			}
		})
	}
}

func (k witnessKind) String() string {
	if k.field != "" {
		return k.name + ":" + k.field
	}
	return k.name
}

// growth measures each round and returns its growth as a share of the expected one.
func (m *mutant) growth(t *testing.T) []float64 {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	w := &witness{kind: m.witness, life: witnessLife(m.scenarios[0]), lives: livesFor(m)}
	var growth []float64
	switch m.witness.name {
	case "held":
		growth = []float64{w.held(t) / float64(m.witness.bytes) * clearly}
	case "peak":
		growth = []float64{w.peak(t) / float64(m.witness.bytes) * clearly}
	default:
		expected := m.rate * float64(w.lives)
		if m.witness.name == "bytes" {
			expected *= 2 * 16
		}
		for _, grown := range w.rounds(t) {
			growth = append(growth, grown/expected)
		}
	}
	t.Logf("%s: %s of %d lives of %s, rate %g: %.3f of the expected growth", m.name, m.witness, w.lives, m.scenarios[0], m.rate, growth)
	return growth
}

// livesFor returns the number of lives in a round: enough for witnessGoal leaked things, within
// limits.
func livesFor(m *mutant) int {
	return int(math.Ceil(min(max(witnessGoal/m.rate, 100), witnessLives)))
}

// witness is one measurement.
type witness struct {
	kind   witnessKind
	life   life
	lives  int
	target *hubtest.Target // nil if each life has a hub of its own
	next   atomic.Int64    // index of the next life
}

// witnessConfig returns a configuration with timeouts that lives can wait for.
func witnessConfig() hub.Config {
	return hub.Config{
		PingInterval: 300 * time.Millisecond, PongTimeout: 300 * time.Millisecond,
		FirstMessageTimeout: 500 * time.Millisecond, MessageTimeout: 500 * time.Millisecond,
		ProbeTimeout: 200 * time.Millisecond, CloseTimeout: 500 * time.Millisecond, WriteTimeout: 500 * time.Millisecond,
		QueueBytes: 256 << 10, MessageRate: -1, DrainWindow: -1, ParkAfter: 20 * time.Millisecond,
		HubKey: witnessHubKey, IsHub: true,
		Memory: hub.MemoryConfig{Interval: 200 * time.Millisecond, Sample: 50 * time.Millisecond},
	}
}

// start serves the hub that all lives share, if they do. The hub stops when stop is called, or at
// the end of the test.
func (w *witness) start(t *testing.T, cfg hub.Config) (stop func()) {
	t.Helper()
	if w.life.ownHub {
		return func() {}
	}
	if w.life.stays { // the resident reads during events only
		cfg.PingInterval, cfg.AnnounceRate = time.Hour, -1
	}
	target, err := hubtest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.target = target
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		target.Stop(ctx) // a leak may prevent the shutdown
	}
	t.Cleanup(stop)
	return stop
}

// rounds returns the growth of the figure in each of two rounds after a warm-up round.
func (w *witness) rounds(t *testing.T) (grown []float64) {
	t.Helper()
	w.start(t, witnessConfig())
	if w.kind.name == "descriptors" {
		debug.SetGCPercent(-1) // a GC would close leaked sockets
	}
	w.round(t)
	before := w.settled()
	for range 2 {
		w.round(t)
		after := w.settled()
		grown = append(grown, after-before)
		before = after
	}
	return grown
}

// round runs the lives of a round, several at a time.
func (w *witness) round(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	var failed atomic.Int64
	var remaining atomic.Int64
	remaining.Store(int64(w.lives))
	for range min(w.life.atOnce, w.lives) {
		wg.Go(func() {
			for remaining.Add(-1) >= 0 {
				if err := w.live(ctx); err != nil && failed.Add(1) <= 3 {
					t.Logf("%s: %v", w.life.name, err) // one in a hundred may fail, because a busy machine misses timeouts
				}
			}
		})
	}
	wg.Wait()
	if n := failed.Load(); n > int64(w.lives/100) {
		t.Fatalf("%s: %d of %d lives failed", w.life.name, n, w.lives)
	}
}

// benignLives is the number of lives of each kind for a benign control.
const benignLives = 20

// expectHarmless checks that a benign control works and leaks nothing: a few lives of each kind
// leave no goroutine, and many lives of some kinds leave no object.
func expectHarmless(t *testing.T) {
	for _, l := range allLives() {
		t.Run(l.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			w := &witness{kind: witnessKind{name: "goroutines"}, life: l, lives: benignLives}
			stop := w.start(t, witnessConfig())
			w.round(t)
			stop()
			if after := w.settled(); after > float64(before) {
				stacks := make([]byte, 1<<16)
				t.Errorf("%.0f goroutines, was %d before:\n%s", after, before, stacks[:runtime.Stack(stacks, true)])
			}
		})
	}
	for _, name := range []string{"clean", "fresh", "start-stop"} {
		t.Run("objects/"+name, func(t *testing.T) {
			w := &witness{kind: witnessKind{name: "objects"}, life: witnessLife(name), lives: witnessGoal}
			if grown := w.rounds(t); slices.Min(grown) >= barely*witnessGoal {
				t.Errorf("%.0f objects more after %d lives", grown, witnessGoal)
			}
		})
	}
}
