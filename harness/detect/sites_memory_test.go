package detect_test

import (
	"bytes"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// memoryHolder holds single objects that get larger, or do not.
type memoryHolder struct {
	array  []byte
	text   string
	log    *slog.Logger
	buffer bytes.Buffer
	ring   [][]byte
}

// memoryLeaks are ways in which one object gets larger with each peer.
var memoryLeaks = map[string]func(h *memoryHolder){
	"array": func(h *memoryHolder) { h.array = append(h.array, "of a peer"...) },
	"text":  func(h *memoryHolder) { h.text += "of a peer" },
	"log":   func(h *memoryHolder) { h.log = h.log.With("of", "a peer") },
}

// memoryHabits are ways in which an object gets larger or smaller without a leak.
var memoryHabits = map[string]func(h *memoryHolder, rng *rand.Rand){
	"largest message":     func(h *memoryHolder, rng *rand.Rand) { h.array = append(h.array[:0], make([]byte, rng.IntN(1<<12))...) },
	"last message":        func(h *memoryHolder, rng *rand.Rand) { h.text = strings.Repeat("x", rng.IntN(1<<10)) },
	"bounded history":     func(h *memoryHolder, _ *rand.Rand) { h.array = append(h.array, 1)[max(0, len(h.array)-150):] },
	"buffer that is read": func(h *memoryHolder, rng *rand.Rand) { h.buffer.Write(make([]byte, rng.IntN(100))); h.buffer.Next(60) },
	"ring": func(h *memoryHolder, rng *rand.Rand) {
		if h.ring = append(h.ring, make([]byte, 1+rng.IntN(1<<10))); len(h.ring) > 64 {
			h.ring = append(h.ring[:0:0], h.ring[1:]...)
		}
	},
}

// memoryFound runs three cycles of peers after a warm-up and returns what Sites finds.
func memoryFound(t *testing.T, each func()) []verdict.Finding {
	t.Helper()
	cycle := func(_ int, dose int64) {
		for range dose {
			each()
		}
	}
	cycle(0, 211)
	return findIn(t, &detect.Sites{}, []int64{211, 199, 197}, cycle)
}

// An object that gets larger with each peer is found, with the field that holds it.
func TestSitesFindsMemory(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	h := &memoryHolder{log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	found := memoryFound(t, func() {
		for _, leak := range memoryLeaks {
			leak(h)
		}
	})
	if err := heap.Explain(t.Context(), map[string]any{"holder": h}, func(string) string { return "" }, found); err != nil {
		t.Fatal(err)
	}
	for field := range memoryLeaks {
		i := slices.IndexFunc(found, func(f verdict.Finding) bool {
			return strings.HasPrefix(verdict.PathText(f.Path), "detect_test.memoryHolder."+field)
		})
		if i < 0 || found[i].Class != verdict.Memory || found[i].Count < 3*1000 {
			t.Errorf("no finding of the field %s", field)
			for _, f := range found {
				t.Errorf("%s: %d bytes, %s", f.Born, f.Count, verdict.PathText(f.Path))
			}
		}
	}
	if len(found) != len(memoryLeaks) {
		wantNone(t, found)
	}
}

// An object that follows a largest message, or moves within a bound, is no leak.
func TestSitesMemoryBenign(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	for seed := range uint64(3) {
		rng, holders := rand.New(rand.NewPCG(seed, 3)), map[string]*memoryHolder{}
		for name := range memoryHabits {
			holders[name] = &memoryHolder{}
		}
		wantNone(t, memoryFound(t, func() {
			for name, habit := range memoryHabits {
				habit(holders[name], rng)
			}
		}))
		runtime.KeepAlive(holders)
	}
}
