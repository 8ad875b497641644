package harness

import (
	"context"
	"os"
	"runtime"
	"time"
)

// The functions of this file leave what the detectors must find although it is made by
// the instrument: each names the leak that it makes, so that a control counts no other.

// plantedObject makes an object.
//
//go:noinline
func plantedObject() *[3]*int { return new([3]*int) }

// plantedTimer starts a timer.
//
//go:noinline
func plantedTimer() *time.Timer { return time.AfterFunc(time.Hour, func() {}) }

// plantedStart starts a goroutine that stays until ctx ends.
//
//go:noinline
func plantedStart(ctx context.Context) { go plantedWait(ctx) }

func plantedWait(ctx context.Context) { <-ctx.Done() }

// plantedSpin is busy until ctx ends.
func plantedSpin(ctx context.Context) {
	for ctx.Err() == nil {
		runtime.Gosched()
	}
}

// plantedWatched adds an object to a Watch.
//
//go:noinline
func plantedWatched(w *Watch) (kept *[3]*int, err error) {
	kept = new([3]*int)
	return kept, w.Add(kept, "planted/object")
}

// plantedFile opens a file.
//
//go:noinline
func plantedFile() (*os.File, error) { return os.Open(os.DevNull) }

// isPlanted reports whether a function of this package makes what detectors are to find.
func isPlanted(function string) bool {
	return function == own.plantedObject || function == own.plantedTimer
}
