package heap

import (
	"slices"
	"testing"
)

// A name that does not match fails silently: the harness would report its own objects. An inlined
// function would have the name of its caller.
func TestHeapOwnNames(t *testing.T) {
	t.Parallel()
	const pkg = "github.com/pigeonhub/pigeonhub/harness/heap."
	if want := pkg + "plantCanary"; own.plantCanary != want {
		t.Errorf("got %s, want %s", own.plantCanary, want)
	}
	if want := pkg + "(*timerFlusher).stopTimers"; own.stopTimers != want {
		t.Errorf("got %s, want %s", own.stopTimers, want)
	}
	for _, want := range []string{pkg + "Explain", pkg + "Retainers"} {
		if !slices.Contains(own.askers, want) {
			t.Errorf("no %s in %q", want, own.askers)
		}
	}
}
