package detect

import (
	"os"
	"runtime"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect/internal/planted"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Only the finding of its own planted leak proves a detector, not other growth at that time.
func TestPlantKnowsOnlyItsOwn(t *testing.T) {
	t.Parallel()
	by := func(function any) verdict.Finding {
		return verdict.Finding{Born: verdict.Site{Function: stack.FuncName(function)}, PerCycle: []int64{1, 1}}
	}
	other := by(TestPlantKnowsOnlyItsOwn)
	of := func(c verdict.Class, perCycle ...int64) verdict.Finding {
		return verdict.Finding{Class: c, PerCycle: perCycle}
	}
	open := verdict.Finding{Class: verdict.Descriptor, Type: "file", Detail: "fd 9 file " + os.DevNull}
	socket := verdict.Finding{Class: verdict.Descriptor, Type: "tcp ESTABLISHED", Detail: "fd 9 tcp ESTABLISHED"}
	counted := verdict.Finding{Field: "map[int]int64", PerCycle: []int64{1009, 1013}}
	detectors := []struct {
		d          Detector
		own, other verdict.Finding
	}{
		{&Census{}, counted, verdict.Finding{Field: "hub.Hub.peers", PerCycle: []int64{0, 1}}},
		{&Sites{}, by(planted.Object), other},
		{&Timers{}, by(planted.Timer), other},
		{&Goroutines{}, by(planted.Goroutine), other},
		{&Watch{}, by(planted.Watched), other},
		{&Descriptors{}, open, socket},
		{&Unclosed{}, of(verdict.Unclosed, 1, 2), of(verdict.Unclosed, 1, 1)},
		{&Gauges{}, of(verdict.Gauge, 1, 0), of(verdict.Invariant, 1, 0)},
		{&Quiet{}, of(verdict.CPU, 0, 1), of(verdict.Goroutine, 0, 1)},
		{&Mapped{}, verdict.Finding{Type: anonymous, PerCycle: []int64{5, 9}}, verdict.Finding{Type: anonymous, PerCycle: []int64{9, 5}}},
	}
	if runtime.GOOS != "linux" { // no pages can be planted
		detectors = detectors[:len(detectors)-1]
	}
	for _, c := range detectors {
		p := c.d.(Controlled).Plant(nil)
		if p.Remove != nil {
			t.Cleanup(p.Remove)
		}
		switch c.d.(type) {
		case *Census, *Mapped: // Is compares with the planted doses
			for _, dose := range c.own.PerCycle {
				if err := p.Grow(dose, false); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !p.Is(c.own) || p.Is(c.other) {
			t.Errorf("%s: its own %v, another %v", c.d.Name(), p.Is(c.own), p.Is(c.other))
		}
	}
}
