package harness

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"weak"
)

// timerFlusher has the runtime forget stopped timers. A timer that was stopped
// stays in its processor's heap, and so does all it refers to, until the stopped
// ones are a quarter of that heap and the processor looks at it: where a hundred
// timers wait, two dozen stopped ones would look like a leak. Stopping many more
// brings on the clean-up; one of each processor's, held weakly, shows whether it did.
type timerFlusher struct {
	each     int // timers to stop on each processor
	canaries []weak.Pointer[time.Timer]
}

// The numbers of timers to stop: for some 200 that wait on a processor at first,
// for 50,000 at most.
const (
	flushFirst   = 64
	flushLongest = 16 << 10
)

// flush stops timers on every processor. A collection must follow.
func (f *timerFlusher) flush() {
	if f.each = min(4*f.each, flushLongest); f.each == 0 {
		f.each = flushFirst
	}
	procs := runtime.GOMAXPROCS(0)
	f.canaries = make([]weak.Pointer[time.Timer], procs)
	var there atomic.Int32
	var wg sync.WaitGroup
	start := time.Now()
	for i := range procs {
		wg.Go(func() {
			// Who waits without giving way has a processor of its own.
			there.Add(1)
			for int(there.Load()) < procs && time.Since(start) < 2*time.Millisecond {
			}
			f.canaries[i] = weak.Make(stopTimers(f.each))
			runtime.Gosched() // the scheduler looks at the heap of this processor
		})
	}
	wg.Wait()
}

// stopTimers returns one of those it has stopped. All wait before the first stops:
// a stopped one at the end of the heap goes with the next that is added.
func stopTimers(n int) *time.Timer {
	timers := make([]*time.Timer, n)
	for i := range timers {
		timers[i] = time.AfterFunc(time.Hour, func() {})
	}
	for _, t := range timers {
		t.Stop()
	}
	return timers[0]
}

// done reports whether stopped timers are gone, after a collection, or there are
// so many that wait that it is not to be had.
func (f *timerFlusher) done() bool {
	for _, c := range f.canaries {
		if c.Value() != nil {
			return f.each >= flushLongest
		}
	}
	return true
}
