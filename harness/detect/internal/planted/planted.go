// Package planted makes the leaks that a campaign's detectors must find.
//
//	object := planted.Object()
//	found := f.Born.Function == stack.FuncName(planted.Object)
//
// It is no part of the instrument, see stack.IsInstrument, so detectors count what it makes.
// Each function names one leak, so that a control counts no other.
package planted

import (
	"context"
	"os"
	"runtime"
	"time"
)

// Object makes an object.
//
//go:noinline
func Object() *[3]*int { return new([3]*int) }

// Timer starts a timer.
//
//go:noinline
func Timer() *time.Timer { return time.AfterFunc(time.Hour, func() {}) }

// Goroutine starts a goroutine that waits until ctx ends.
//
//go:noinline
func Goroutine(ctx context.Context) { go wait(ctx) }

func wait(ctx context.Context) { <-ctx.Done() }

// Spin is runnable until ctx ends.
func Spin(ctx context.Context) {
	for ctx.Err() == nil {
		runtime.Gosched()
	}
}

// Watched makes an object and adds it to a watch.
//
//go:noinline
func Watched(add func(pointer any, label string) error) (kept *[3]*int, err error) {
	kept = new([3]*int)
	return kept, add(kept, "planted/object")
}

// File opens a file.
//
//go:noinline
func File() (*os.File, error) { return os.Open(os.DevNull) }
