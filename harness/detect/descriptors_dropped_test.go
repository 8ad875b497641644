package detect_test

import (
	"os"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// The detector distinguishes dropped descriptors from retained ones without a collection before.
// Those that were dropped before the baseline do not count, although the same collection closes
// them.
func TestDescriptorsFindDropped(t *testing.T) {
	ctx := t.Context()
	fixture.DropListeners(t, 1, true) // the first one in a process reads a file
	defer detect.HoldGC()()
	fixture.DropListeners(t, 3, false)
	d, r := &detect.Descriptors{}, detect.NewReading(1)
	if err := d.Baseline(ctx, detect.NewReading(0)); err != nil {
		t.Fatal(err)
	}
	fixture.DropListeners(t, 5, false)
	kept, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if err := d.Cycle(ctx, r); err != nil {
		t.Fatal(err)
	}
	if err := d.FindDropped(ctx, r); err != nil {
		t.Fatal(err)
	}
	found, err := d.Findings(ctx)
	if err != nil || len(found) != 2 {
		t.Fatalf("%v, %v, want listeners and a file", found, err)
	}
	if f := found[0]; f.Class != verdict.Unclosed || f.Type != "net.Listener" || f.Count != 5 {
		t.Errorf("got %+v, want 5 listeners dropped", f)
	}
	if f := found[1]; f.Class != verdict.Descriptor || f.Type != "file" || f.Count != 1 {
		t.Errorf("got %+v, want a file left open", f)
	}
}

// Nothing is collected if no descriptor is left.
func TestDescriptorsFindDroppedNothing(t *testing.T) {
	d, r := &detect.Descriptors{}, detect.NewReading(1)
	for _, read := range []func() error{
		func() error { return d.Baseline(t.Context(), detect.NewReading(0)) },
		func() error { return d.Cycle(t.Context(), r) },
		func() error { return d.FindDropped(t.Context(), r) },
		func() error { return d.Cycle(t.Context(), r) }, // an error after a collection
	} {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
}
