package heap

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// ErrNotExact is the error of detectors that count heap objects in a program that
// did not call RecordAll.
var ErrNotExact = errors.New("the heap profile is not exact: call heap.RecordAll from an init function")

// ErrGap is the error of detectors that count heap objects when some were not
// recorded since their baseline.
var ErrGap = errors.New("the heap profile has a gap: since the baseline allocations were not recorded for a time (heap.PauseRecording, or the end of a campaign)")

// heapRecording is whether the runtime records every allocation.
var heapRecording struct {
	sync.Mutex
	exact  bool   // RecordAll was called
	rate   int    // what the first of the pauses found
	paused int    // pauses under way
	after  int    // of these, those that began when all had been read
	gaps   uint64 // pauses that have ever begun
}

// RecordAll makes the runtime record every allocation. Sites, Timers and the
// places in the findings of Unclosed need it. Call it early, from an init function
// or a variable's initializer: what was allocated before is not known. An
// allocation then takes some 700 ns more; it is for tests.
func RecordAll() {
	h := &heapRecording
	h.Lock()
	defer h.Unlock()
	if h.exact {
		return
	}
	h.exact = true
	runtime.MemProfileRate = 1
	plantCanary()
	if h.paused > 0 {
		h.rate, runtime.MemProfileRate = 1, 0
	}
}

// PauseRecording undoes RecordAll until resume is called, for what wants the speed and
// not the counts. Several may do so at a time, and resume in any order: the last to
// resume has it recorded again. Sites, Timers and Footprint read nothing meanwhile,
// and return ErrGap where their baseline was before and the reading comes after;
// Unclosed then has no places. What was allocated meanwhile they will never know. It
// is for tests that run alone.
func PauseRecording() (resume func()) { return pauseHeap(0) }

// PauseAfterReading is PauseRecording for the time after the last reading: where things
// were allocated is known, whatever is allocated from now on.
func PauseAfterReading() (resume func()) { return pauseHeap(1) }

func pauseHeap(after int) (resume func()) {
	h := &heapRecording
	h.Lock()
	defer h.Unlock()
	if h.paused == 0 {
		h.rate, runtime.MemProfileRate = runtime.MemProfileRate, 0
	}
	h.paused++
	h.after += after
	h.gaps++
	return sync.OnceFunc(func() {
		h.Lock()
		defer h.Unlock()
		h.paused--
		h.after -= after
		if h.paused == 0 {
			runtime.MemProfileRate = h.rate
		}
	})
}

// Gaps returns how many times allocations have ceased to be recorded, and an
// error if they are not recorded now.
func Gaps() (uint64, error) {
	h := &heapRecording
	h.Lock()
	defer h.Unlock()
	switch {
	case runtime.MemProfileRate == 1:
		return h.gaps, nil
	case h.exact && h.paused > 0:
		return h.gaps, fmt.Errorf("%w (it was, and heap.PauseRecording has undone it for now)", ErrNotExact)
	}
	return h.gaps, ErrNotExact
}

// placesAreKnown reports whether what there is was recorded when it was allocated.
func placesAreKnown() bool {
	h := &heapRecording
	h.Lock()
	defer h.Unlock()
	rate := runtime.MemProfileRate
	if h.paused > 0 && h.paused == h.after {
		rate = h.rate
	}
	return h.exact && rate == 1
}

// NoGapSince returns an error unless there are as many gaps as there had been.
func NoGapSince(gaps uint64) error {
	if now, err := Gaps(); err != nil || now != gaps {
		return ErrGap
	}
	return nil
}

// The canary lives as long as the program does. A profile that does not show all
// of it, and no more, is not exact.
const canaries = 61

var canary [canaries]*[6]uintptr

//go:noinline
func plantCanary() {
	for i := range canary {
		canary[i] = new([6]uintptr)
	}
}
