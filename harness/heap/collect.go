package heap

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/settle"
)

// Collect forces collections until the number of objects no longer falls and stopped timers
// are gone. It forces at least three: the first moves the elements of pools to their victim
// caches, the second frees these, the third frees what finalizers held.
func Collect(ctx context.Context) error {
	before := uint64(math.MaxUint64)
	var timers timerFlusher
	defer timers.end()
	for round := range 8 {
		if round == 0 || !timers.done() {
			timers.flush(ctx)
		}
		runtime.GC()
		if err := AwaitFinalizers(ctx); err != nil {
			return err
		}
		now := Metric("/gc/heap/objects:objects")
		if round >= 2 && now >= before && timers.done() {
			return nil
		}
		before = now
	}
	return nil // other goroutines allocate and free
}

// AwaitFinalizers waits until all finalizers and cleanups that are queued have run.
func AwaitFinalizers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return settle.Until(ctx, func() error {
		for _, kind := range []string{"finalizers", "cleanups"} {
			// Read executed first. Those queued in between only cause another look.
			ran := Metric("/gc/" + kind + "/executed:" + kind)
			if queued := Metric("/gc/" + kind + "/queued:" + kind); ran < queued {
				return fmt.Errorf("%d of %d %s have run: one of them blocks", ran, queued, kind)
			}
		}
		return nil
	})
}

// Metric returns a counter of the runtime. All callers use counters of the Go version in
// go.mod.
func Metric(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
