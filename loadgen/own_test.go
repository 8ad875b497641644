package loadgen

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// A run reports what it takes itself.
func TestOwn(t *testing.T) {
	t.Parallel()
	r := runProfile(t, (&toyHub{}).start(t), "ramp", plan.Phase{Peers: 10, Rate: 100, Duration: 1500 * time.Millisecond, Networks: 2})
	g := r.Generator
	if g.LagMost <= 0 || g.Lag99 > g.LagMost {
		t.Errorf("lag: %+v", g)
	}
	if runtime.GOOS != "linux" {
		return
	}
	if g.MemoryFirst < 1<<20 || g.MemoryPeak < max(g.MemoryFirst, g.MemoryLast) || g.Busy <= 0 || g.Busiest < g.Busy {
		t.Errorf("got %+v", g)
	}
	if !slices.ContainsFunc(r.Timeline.Columns, func(c report.Column) bool { return c.Name == report.ColumnOwnMemory }) {
		t.Error("the timeline has no memory of the generator")
	}
}

// What the workers take is part of it.
func TestOwnOfWorkers(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the system has no such numbers")
	}
	o := newOwn(time.Now())
	o.add(cluster.Counts{Memory: 1 << 40, CPU: int64(1000 * time.Hour)})
	o.add(cluster.Counts{Memory: -1 << 39})
	if memory, processors, ok := o.sample(time.Now().Add(time.Second)); !ok || memory < 1<<39 || memory > 1<<40 || processors < 1000 {
		t.Errorf("%g bytes and %g processors", memory, processors)
	}
}
