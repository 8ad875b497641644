package detect_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Sites, Timers and the lines of Unclosed need it.
func init() { heap.RecordAll() }

// primes are the doses of the cycles.
var primes = []int64{1009, 1013, 1019, 997, 991, 983}

// reader is a detector, or several.
type reader interface {
	Baseline(context.Context, *detect.Reading) error
	Cycle(context.Context, *detect.Reading) error
	Findings(context.Context) ([]verdict.Finding, error)
}

// findIn runs a cycle for each dose, reads the detector after each, and returns its findings.
func findIn(t *testing.T, d reader, doses []int64, cycle func(k int, dose int64)) []verdict.Finding {
	t.Helper()
	if err := d.Baseline(t.Context(), detect.NewReading(0)); err != nil {
		t.Fatal(err)
	}
	for k, dose := range doses {
		cycle(k, dose)
		if err := d.Cycle(t.Context(), detect.NewReading(dose)); err != nil {
			t.Fatal(err)
		}
	}
	found, err := d.Findings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// wantNone fails the test for each finding.
func wantNone(t *testing.T, found []verdict.Finding) {
	t.Helper()
	for _, f := range found {
		t.Errorf("found %s %s %s %s: %d %v\n%s", f.Class, f.Type, f.Born, f.Field, f.Count, f.PerCycle, f.Detail)
	}
}

// wantOne returns the only finding, which must be of the class, of the count and,
// unless empty, born in the function.
func wantOne(t *testing.T, found []verdict.Finding, class verdict.Class, count int64, function string) verdict.Finding {
	t.Helper()
	if len(found) != 1 {
		wantNone(t, found)
		t.Fatalf("%d findings, want 1", len(found))
	}
	f := found[0]
	if f.Class != class || f.Count != count {
		t.Errorf("found %d of class %s, want %d of %s\n%s", f.Count, f.Class, count, class, f.Detail)
	}
	if !strings.Contains(f.Born.Function, function) {
		t.Errorf("born in %s, want %s\n%s", f.Born.Function, function, f.Detail)
	}
	return f
}

func wantCycles(t *testing.T, f verdict.Finding, want ...int64) {
	t.Helper()
	if !slices.Equal(f.PerCycle, want) {
		t.Errorf("grew by %v, want %v", f.PerCycle, want)
	}
}

// Each detector returns an error if it has not looked.
func TestDetectorsNeedABaselineAndACycle(t *testing.T) {
	for _, d := range []detect.Detector{
		&detect.Goroutines{}, &detect.Descriptors{}, &detect.Unclosed{}, &detect.Sites{}, &detect.Timers{},
		&detect.Census{Roots: map[string]any{"map": &map[string]int{}}},
	} {
		t.Run(d.Name(), func(t *testing.T) {
			if err := d.Cycle(t.Context(), detect.NewReading(1)); !errors.Is(err, detect.ErrNoBaseline) {
				t.Errorf("a cycle without a baseline: %v", err)
			}
			if err := d.Baseline(t.Context(), detect.NewReading(0)); err != nil {
				t.Error(err)
			}
			if found, err := d.Findings(t.Context()); !errors.Is(err, detect.ErrNoCycle) {
				t.Errorf("%d findings without a cycle: %v", len(found), err)
			}
		})
	}
}

// The order of detectors is checked, even at the baseline.
func TestDescriptorsComeBeforeTheCollection(t *testing.T) {
	wrong := detect.Detectors{&detect.Unclosed{}, &detect.Descriptors{}}
	if err := wrong.Baseline(t.Context(), detect.NewReading(0)); !errors.Is(err, detect.ErrCollected) {
		t.Errorf("got %v", err)
	}
	right := detect.Detectors{&detect.Descriptors{}, &detect.Unclosed{}}
	if err := right.Baseline(t.Context(), detect.NewReading(0)); err != nil {
		t.Error(err)
	}
}

// The error of a detector is the error of all, with its name.
func TestDetectorsJoinErrors(t *testing.T) {
	t.Parallel()
	ds := detect.Detectors{failing{}, failing{}}
	if _, err := ds.Findings(t.Context()); err == nil || strings.Count(err.Error(), "failing: no probe") != 2 {
		t.Errorf("got %v", err)
	}
}

type failing struct{}

func (failing) Name() string                                    { return "failing" }
func (failing) Unit() string                                    { return "object" }
func (failing) Noise() float64                                  { return 0 }
func (failing) Baseline(context.Context, *detect.Reading) error { return fmt.Errorf("no probe") }
func (failing) Cycle(context.Context, *detect.Reading) error    { return fmt.Errorf("no probe") }
func (failing) Findings(context.Context) ([]verdict.Finding, error) {
	return nil, fmt.Errorf("no probe")
}
