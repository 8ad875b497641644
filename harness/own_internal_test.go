package harness

import (
	"slices"
	"testing"
)

// A name that does not match fails silently: the instrument would then report its own
// objects and goroutines. An inlined function could give its name to its caller.
func TestOwnNames(t *testing.T) {
	t.Parallel()
	const pkg = "github.com/pigeonhub/pigeonhub/harness."
	for got, want := range map[string]string{
		own.readGoroutines:  pkg + "(*goroutineReader).read",
		own.measure:         pkg + "(*Footprint).Measure",
		ownHeap.plantCanary: pkg + "plantCanary",
		ownHeap.stopTimers:  pkg + "(*timerFlusher).stopTimers",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	want := []string{pkg + "(*Campaign).conclude", pkg + "(*Watch).Explain", pkg + "(*Watch).Findings", pkg + "Explain", pkg + "Retainers"}
	if got := slices.Sorted(slices.Values(ownHeap.askers)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
