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

// The witnesses look at a planted leak from outside of the harness: they put
// lives through a hub and read one plain figure of the process before and after.
// What they do not see grow is no leak, and does not count as one that the
// harness missed.
const (
	witnessGoal  = 300  // leaked things in a round
	witnessLives = 4000 // at most
	clearly      = 0.5  // of the expected growth, in a hub that leaks
	barely       = 0.125
)

// TestWitness runs in a binary built with the overlay of the mutant that
// PIGEONHUB_MUTANT names: it leaks as its file says, in the first of its scenarios or in
// that which PIGEONHUB_SCENARIO names.
func TestWitness(t *testing.T) {
	name := os.Getenv("PIGEONHUB_MUTANT")
	if name == "" {
		t.Skip("PIGEONHUB_MUTANT names no mutant")
	}
	m, err := findMutant(name)
	if err != nil {
		t.Fatal(err)
	}
	if other := os.Getenv("PIGEONHUB_SCENARIO"); other != "" {
		if !slices.Contains(m.scenarios, other) {
			t.Fatalf("%s does not say that it leaks in %s", name, other)
		}
		m.scenarios = []string{other}
	}
	if m.benign {
		wantHarmless(t)
		return
	}
	for i, growth := range m.watched(t) {
		if growth < clearly {
			t.Errorf("round %d: %s grew by %.2f of what a leak in each life would make", i+1, m.witness, growth)
		}
	}
}

// TestWitnessClean puts the same witnesses on the hub without a leak.
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
				limit = clearly // a peer that is there costs something
			}
			if growth := m.watched(t); slices.Min(growth) >= limit {
				t.Errorf("%s grew by %.2f of what a leak in each life would make", m.witness, growth)
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

// watched returns the growth of each round as a share of what is expected.
func (m *mutant) watched(t *testing.T) []float64 {
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
	t.Logf("%s: %s of %d lives of %s, rate %g: %.3f of what is expected", m.name, m.witness, w.lives, m.scenarios[0], m.rate, growth)
	return growth
}

// livesFor returns how many lives make the growth plain.
func livesFor(m *mutant) int {
	return int(math.Ceil(min(max(witnessGoal/m.rate, 100), witnessLives)))
}

// witness is one measurement.
type witness struct {
	kind   witnessKind
	life   life
	lives  int
	target *hubtest.Target // nil where each life has a hub of its own
	next   atomic.Int64
}

// witnessConfig is the hub of the campaign.
func witnessConfig() hub.Config {
	return hub.Config{
		PingInterval: 300 * time.Millisecond, PongTimeout: 300 * time.Millisecond,
		FirstMessageTimeout: 500 * time.Millisecond, MessageTimeout: 500 * time.Millisecond,
		ProbeTimeout: 200 * time.Millisecond, CloseTimeout: 500 * time.Millisecond, WriteTimeout: 500 * time.Millisecond,
		QueueBytes: 256 << 10, MessageRate: -1, DrainWindow: -1,
		HubKey: witnessHubKey, IsHub: true,
		Memory: hub.MemoryConfig{Interval: 200 * time.Millisecond, Sample: 50 * time.Millisecond},
	}
}

// start serves the hub that all lives share. The test stops it at its end at last.
func (w *witness) start(t *testing.T, cfg hub.Config) (stop func()) {
	t.Helper()
	if w.life.ownHub {
		return func() {}
	}
	target, err := hubtest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.target = target
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		target.Stop(ctx) // a leak may well keep it from ending
	}
	t.Cleanup(stop)
	return stop
}

// rounds returns by how much the figure grew in two rounds after one to warm up.
func (w *witness) rounds(t *testing.T) (grown []float64) {
	t.Helper()
	w.start(t, witnessConfig())
	if w.kind.name == "descriptors" {
		debug.SetGCPercent(-1) // it closes the sockets nobody closed
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

// round puts one life after another through the hub, several at a time.
func (w *witness) round(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	var failed atomic.Int64
	var left atomic.Int64
	left.Store(int64(w.lives))
	for range min(w.life.atOnce, w.lives) {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := w.live(ctx); err != nil && failed.Add(1) <= 3 {
					t.Logf("%s: %v", w.life.name, err) // a busy machine misses a timeout now and then
				}
			}
		})
	}
	wg.Wait()
	if n := failed.Load(); n > int64(w.lives/100) {
		t.Fatalf("%s: %d of %d lives failed", w.life.name, n, w.lives)
	}
}

// benignLives is how many lives of each kind a benign control must bear.
const benignLives = 20

// wantHarmless puts a few of all lives through the hub of a benign control, which
// works and in the end has left no goroutine, and many of some, which leave no
// objects.
func wantHarmless(t *testing.T) {
	for _, l := range witnessLivesAll() {
		t.Run(l.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			w := &witness{kind: witnessKind{name: "goroutines"}, life: l, lives: benignLives}
			stop := w.start(t, witnessConfig())
			w.round(t)
			stop()
			if after := w.settled(); after > float64(before) {
				stacks := make([]byte, 1<<16)
				t.Errorf("%.0f goroutines, %d before:\n%s", after, before, stacks[:runtime.Stack(stacks, true)])
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
