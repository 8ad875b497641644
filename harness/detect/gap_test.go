package detect_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// A gap in the heap profile since the baseline is reported as an error. The next baseline
// is valid again.
func TestHeapGapIsSeen(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	for _, d := range []detect.Detector{&detect.Sites{}, &detect.Timers{}} {
		t.Run(d.Name(), func(t *testing.T) {
			resume := heap.PauseRecording()
			if err := d.Baseline(t.Context(), detect.NewReading(0)); !errors.Is(err, heap.ErrNotExact) || !strings.Contains(err.Error(), "heap.PauseRecording") {
				t.Errorf("a baseline while nothing is recorded: %v", err)
			}
			resume()
			baseline := func() error { return d.Baseline(t.Context(), detect.NewReading(0)) }
			cycle := func() error { return d.Cycle(t.Context(), detect.NewReading(1)) }
			gap := func() error { heap.PauseRecording()(); return nil }
			for i, step := range []struct {
				do   func() error
				want error
			}{{baseline, nil}, {cycle, nil}, {gap, nil}, {cycle, heap.ErrGap}, {cycle, heap.ErrGap}, {baseline, nil}, {cycle, nil}, {cycle, nil}, {gap, nil}} {
				if err := step.do(); !errors.Is(err, step.want) {
					t.Errorf("step %d: %v, want %v", i, err, step.want)
				}
			}
			if _, err := d.Findings(t.Context()); err != nil {
				t.Errorf("findings after a gap that no reading spans: %v", err)
			}
		})
	}
}

// The count of Unclosed needs no heap profile, only its lines do.
func TestUnclosedAcrossHeapGap(t *testing.T) {
	found := findIn(t, &detect.Unclosed{}, []int64{3, 3}, func(k int, dose int64) {
		for range dose {
			if k == 0 {
				defer heap.PauseRecording()()
			}
			if _, err := os.Open(os.DevNull); err != nil {
				t.Fatal(err)
			}
		}
	})
	f := wantOne(t, found, verdict.Unclosed, 6, "")
	if f.Born != (verdict.Site{}) || !strings.Contains(f.Detail, heap.ErrGap.Error()) {
		t.Errorf("opened at %s\n%s", f.Born, f.Detail)
	}
}

func TestFootprintAcrossHeapGap(t *testing.T) {
	l, f := newLodgings(), &detect.Footprint{}
	err := f.Measure(t.Context(), func(ctx context.Context, n int) (func(), error) {
		if n == 10 {
			defer heap.PauseRecording()()
		}
		return l.gather(ctx, n)
	}, 10)
	if !errors.Is(err, heap.ErrGap) {
		t.Errorf("got %v, want %v", err, heap.ErrGap)
	}
}
