package detect_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// gaugeCycles returns the findings of Gauges for readings, the first of which is the baseline.
func gaugeCycles(t *testing.T, readings ...map[string]float64) []verdict.Finding {
	t.Helper()
	target := &gaugesOf{now: readings[0]}
	return findIn(t, &detect.Gauges{Target: target}, make([]int64, len(readings)-1), func(k int, _ int64) { target.now = readings[k+1] })
}

type gauges = map[string]float64

// A gauge above its baseline is found. One that rose and fell is not.
func TestGaugesFindsDrift(t *testing.T) {
	t.Parallel()
	found := gaugeCycles(t, gauges{"rooms": 5, "peers": 1, "same": 3}, gauges{"rooms": 7, "peers": 9, "same": 3}, gauges{"rooms": 8, "peers": 1, "same": 3})
	f := wantOne(t, found, verdict.Gauge, 3, "")
	wantCycles(t, f, 2, 1)
	if f.Field != "rooms" || f.Detail != "5 at the baseline, 8 in the end" || f.Detector != "gauges" {
		t.Errorf("%+v", f)
	}
}

// A gauge below its baseline is found: it was lowered twice.
func TestGaugesFindsGivenBackTwice(t *testing.T) {
	t.Parallel()
	f := wantOne(t, gaugeCycles(t, gauges{"rooms": 5}, gauges{"rooms": 3}), verdict.Gauge, 2, "")
	if f.PerCycle != nil || !strings.Contains(f.Detail, "given back more often than taken") {
		t.Errorf("%+v", f)
	}
}

// A gauge that falls to what it was before the first peer was not lowered twice: a janitor ran at
// the baseline, and has ended. Below that, it was.
func TestGaugesFallToIdle(t *testing.T) {
	t.Parallel()
	for end, want := range map[float64]int{4: 0, 3: 0, 2: 1} {
		target := &gaugesOf{now: gauges{"rooms": 5}}
		g := &detect.Gauges{Target: target, Idle: gauges{"rooms": 3}}
		found := findIn(t, g, primes[:1], func(int, int64) { target.now = gauges{"rooms": end} })
		if len(found) != want {
			t.Errorf("%v in the end: %d findings, want %d", end, len(found), want)
		}
	}
}

// A gauge that appears after the baseline was 0 before.
func TestGaugesFindsOneThatComesLater(t *testing.T) {
	t.Parallel()
	f := wantOne(t, gaugeCycles(t, gauges{"rooms": 5}, gauges{"rooms": 5, `bans{why="flood"}`: 2}), verdict.Gauge, 2, "")
	if f.Field != `bans{why="flood"}` {
		t.Errorf("%+v", f)
	}
}

// GaugeClass implements detect.Classifier.
func (g *gaugesOf) GaugeClass(gauge string) verdict.Class {
	if gauge == "hub.subscriptions" {
		return verdict.Subscription
	}
	return verdict.Gauge
}

// GaugeClass decides the class of a gauge.
func TestGaugesClassOfSubscriptions(t *testing.T) {
	t.Parallel()
	wantOne(t, gaugeCycles(t, gauges{"hub.subscriptions": 0}, gauges{"hub.subscriptions": 1}), verdict.Subscription, 1, "")
}

// The consistency check counts by the cycles in which it failed. The detail is the last failure. The
// gauges need not have moved.
func TestGaugesFindsInconsistency(t *testing.T) {
	t.Parallel()
	target := &gaugesOf{now: gauges{"rooms": 5}}
	found := findIn(t, &detect.Gauges{Target: target}, []int64{1, 1, 1}, func(k int, _ int64) {
		target.check = []error{errors.New("first"), nil, errors.New(strings.Repeat("last ", 2000))}[k]
	})
	f := wantOne(t, found, verdict.Invariant, 2, "")
	if !strings.HasPrefix(f.Detail, "last last") || len(f.Detail) > 4000 {
		t.Errorf("detail of %d bytes: %.20q", len(f.Detail), f.Detail)
	}
}

// A target that cannot be read is an error, never a pass.
func TestGaugesErrors(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	target := &gaugesOf{}
	g := &detect.Gauges{Target: target}
	if err := g.Cycle(t.Context(), nil); !errors.Is(err, detect.ErrNoBaseline) {
		t.Errorf("a cycle without a baseline: %v", err)
	}
	if _, err := g.Findings(t.Context()); !errors.Is(err, detect.ErrNoCycle) {
		t.Errorf("findings without a cycle: %v", err)
	}
	if err := g.Baseline(t.Context(), nil); err == nil {
		t.Error("a target without a gauge passes")
	}
	target.now, target.err = gauges{"rooms": 1}, gone
	if err := g.Baseline(t.Context(), nil); !errors.Is(err, gone) {
		t.Errorf("baseline: %v", err)
	}
	target.err = nil
	if err := g.Baseline(t.Context(), nil); err != nil {
		t.Error(err)
	}
	target.err = gone
	if err := g.Cycle(t.Context(), nil); !errors.Is(err, gone) {
		t.Errorf("cycle: %v", err)
	}
}
