package loadgen

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// own is what a run itself takes of its machines, so that a generator that is the limit, or
// that grows, shows. Its methods may be called concurrently, except sample and report.
type own struct {
	base time.Time

	elsewhere struct{ memory, cpu atomic.Int64 } // of the workers: bytes and nanoseconds

	mu  sync.Mutex
	lag latency.Times

	// Owned by the watcher.
	before, last usageAt
	peak         int64
	busiest      float64
}

// usageAt is the usage of all processes of a run at a time.
type usageAt struct {
	at     time.Time
	memory int64
	cpu    time.Duration
}

// lagEvery is the time between two looks at how late a goroutine wakes.
const lagEvery = 20 * time.Millisecond

func newOwn(base time.Time) *own {
	o := &own{base: base, lag: latency.NewTimes()}
	o.before = o.now(base)
	o.last = o.before
	return o
}

// now returns the present usage.
func (o *own) now(at time.Time) usageAt {
	memory, cpu := usage()
	return usageAt{at, memory + o.elsewhere.memory.Load(), cpu + time.Duration(o.elsewhere.cpu.Load())}
}

// add adds what a worker has taken since its last delta.
func (o *own) add(c cluster.Counts) {
	o.elsewhere.memory.Add(c.Memory)
	o.elsewhere.cpu.Add(c.CPU)
}

// feel measures how late a goroutine of this process wakes, until ctx ends.
func (o *own) feel(ctx context.Context) {
	for ctx.Err() == nil {
		due := time.Now().Add(lagEvery)
		if pause(ctx, lagEvery); ctx.Err() == nil {
			o.mu.Lock()
			o.lag.Add(time.Since(due))
			o.mu.Unlock()
		}
	}
}

// lags returns how late goroutines woke so far.
func (o *own) lags() latency.Times {
	o.mu.Lock()
	defer o.mu.Unlock()
	lag := latency.NewTimes()
	lag.Merge(o.lag)
	return lag
}

// sample returns the memory now, in bytes, and the processors that were busy since the last
// call. It reports false where the system has no such numbers.
func (o *own) sample(at time.Time) (memory, processors float64, ok bool) {
	now, before := o.now(at), o.last
	if now.memory == 0 || now.cpu == 0 || !now.at.After(before.at) {
		return 0, 0, false
	}
	processors = (now.cpu - before.cpu).Seconds() / now.at.Sub(before.at).Seconds()
	o.last, o.peak, o.busiest = now, max(o.peak, now.memory), max(o.busiest, processors)
	return float64(now.memory), processors, true
}

// report returns the result for the run so far.
func (o *own) report() report.Generator {
	lag := o.lags()
	g := report.Generator{MemoryFirst: o.before.memory, MemoryLast: o.last.memory, MemoryPeak: max(o.peak, o.before.memory), Busiest: o.busiest,
		Lag99: lag.Quantile(.99), LagMost: lag.Max()}
	if d := o.last.at.Sub(o.before.at).Seconds(); d > 0 {
		g.Busy = (o.last.cpu - o.before.cpu).Seconds() / d
	}
	return g
}
