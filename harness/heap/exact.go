package heap

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// ErrNotExact is returned by detectors that count heap objects in a program that did not call
// RecordAll.
var ErrNotExact = errors.New("the heap profile is not exact: call heap.RecordAll from an init function")

// ErrGap is returned by detectors that count heap objects if allocations since their baseline
// were not recorded.
var ErrGap = errors.New("the heap profile has a gap: allocations since the baseline were not recorded (heap.PauseRecording, or the end of a campaign)")

// heapRecording is the state of RecordAll and its pauses.
var heapRecording struct {
	sync.Mutex
	exact  bool   // RecordAll was called
	rate   int    // the rate before the first pause
	paused int    // pauses now
	after  int    // of these, pauses by PauseAfterReading
	gaps   uint64 // pauses so far
}

// RecordAll makes the runtime record every allocation. Sites, Timers and the lines in the
// findings of Unclosed need it. Call it from an init function or the initializer of a
// variable, because earlier allocations are unknown. An allocation then takes about 700 ns
// more: it is for tests.
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

// PauseRecording undoes RecordAll until resume is called. It is for tests that run alone and
// need the speed. Pauses may overlap: recording resumes with the last one. During a pause
// Sites, Timers and Footprint return an error. If a pause lies between the baseline and a
// reading, they return ErrGap, and the findings of Unclosed have no lines.
func PauseRecording() (resume func()) { return pauseHeap(0) }

// PauseAfterReading is PauseRecording for the time after the last reading. Retainers and
// Explain still report lines, because later allocations do not matter to them.
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

// Gaps returns how many pauses have begun so far, and an error if allocations are not recorded
// now.
func Gaps() (uint64, error) {
	h := &heapRecording
	h.Lock()
	defer h.Unlock()
	switch {
	case runtime.MemProfileRate == 1:
		return h.gaps, nil
	case h.exact && h.paused > 0:
		return h.gaps, fmt.Errorf("%w (heap.PauseRecording has paused it)", ErrNotExact)
	}
	return h.gaps, ErrNotExact
}

// placesAreKnown reports whether the allocation of each object was recorded.
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

// NoGapSince returns ErrGap if a pause has begun since Gaps returned gaps.
func NoGapSince(gaps uint64) error {
	if now, err := Gaps(); err != nil || now != gaps {
		return ErrGap
	}
	return nil
}

// The canary is a set of objects that live as long as the program. A profile that does not
// count exactly these is not exact.
const canaries = 61

var canary [canaries]*[6]uintptr

//go:noinline
func plantCanary() {
	for i := range canary {
		canary[i] = new([6]uintptr)
	}
}
