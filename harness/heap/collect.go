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

// Collect forces collections until the number of objects no longer falls and stopped
// timers are gone. It forces three at least: the first moves what pools hold to their
// victim caches, the second frees that, the third frees what a finalizer held.
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
	return nil // something allocates and frees beside us
}

// AwaitFinalizers waits until the finalizers and cleanups that the collections so
// far have found have run.
func AwaitFinalizers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return settle.Until(ctx, func() error {
		for _, kind := range []string{"finalizers", "cleanups"} {
			// Executed first: what is queued in between makes us look again.
			ran := Metric("/gc/" + kind + "/executed:" + kind)
			if queued := Metric("/gc/" + kind + "/queued:" + kind); ran < queued {
				return fmt.Errorf("%d of %d %s have run: one of them blocks", ran, queued, kind)
			}
		}
		return nil
	})
}

// Metric returns one of the runtime's counters. All that we ask for are in
// the Go version of go.mod.
func Metric(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
