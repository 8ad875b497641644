package heap

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	_ "unsafe" // for go:linkname
	"weak"

	"github.com/pigeonhub/pigeonhub/harness/settle"
)

// timerFlusher makes the runtime forget stopped timers. A stopped timer, and all that it refers
// to, stays in the heap of its processor until a quarter of that heap is stopped and the
// processor cleans it (timers.check in runtime/time.go). Beside a hundred pending timers, two
// dozen stopped ones would look like a leak. The flusher stops many more timers on each
// processor, which causes the cleaning. Weak pointers to some of them, the canaries, show
// whether it happened.
type timerFlusher struct {
	each       int // timers to stop on each processor
	processors []flushed
}

// flushed is one processor. The goroutine that claims it sets the other fields.
type flushed struct {
	claimed  atomic.Bool
	canaries []weak.Pointer[time.Timer] // some of those that were stopped
	// last is pending at the end of the heap. Stopped timers at the end are removed when the
	// next timer is added, and the canaries would show a cleaning that did not happen.
	last *time.Timer
}

const (
	flushFirst   = 64          // timers to stop at first, enough for about 200 pending ones on a processor
	flushLongest = 16 << 10    // timers to stop at most, enough for 50,000 pending ones
	flushSample  = 8           // canaries of a batch; some may be last in the heap by chance
	flushWait    = time.Second // for all processors: a GC, or a goroutine with its 10 ms slice, may hold one up
)

// flush stops timers on every processor. A collection must follow.
func (f *timerFlusher) flush(ctx context.Context) {
	if f.each = min(4*f.each, flushLongest); f.each == 0 {
		f.each = flushFirst
	}
	f.end()
	f.processors = make([]flushed, runtime.GOMAXPROCS(0))
	ctx, cancel := context.WithTimeout(ctx, flushWait)
	defer cancel()
	_ = settle.Until(ctx, f.visit) // done reports the result
}

// visit starts twice as many goroutines as there are processors, because the scheduler chooses
// where each one runs.
func (f *timerFlusher) visit() error {
	var wg sync.WaitGroup
	for range 2 * len(f.processors) {
		wg.Go(func() {
			f.stopTimers()
			runtime.Gosched() // this processor cleans its heap; the goroutine may continue on another
			f.stopTimers()
			runtime.Gosched()
		})
	}
	wg.Wait()
	for i := range f.processors {
		if !f.processors[i].claimed.Load() {
			return fmt.Errorf("processor %d of %d has run no goroutine", i, len(f.processors))
		}
	}
	return nil
}

// stopTimers stops timers on the current processor, once.
func (f *timerFlusher) stopTimers() {
	timers := make([]*time.Timer, f.each+1)
	at := procPin() // no statement until procUnpin may block
	mine := at < len(f.processors) && f.processors[at].claimed.CompareAndSwap(false, true)
	if mine {
		for i := range timers { // start all before the first is stopped
			timers[i] = time.AfterFunc(time.Hour, func() {})
		}
		for _, t := range timers[:f.each] {
			t.Stop()
		}
	}
	procUnpin()
	if !mine {
		return
	}
	p := &f.processors[at]
	p.last = timers[f.each]
	for t := range slices.Chunk(timers[:f.each], f.each/flushSample) {
		p.canaries = append(p.canaries, weak.Make(t[0]))
	}
}

// done reports, after a collection, whether the canaries are gone. It also reports true if even
// the largest batch did not suffice.
func (f *timerFlusher) done() bool {
	alive := func(c weak.Pointer[time.Timer]) bool { return c.Value() != nil }
	for i := range f.processors {
		p := &f.processors[i]
		if !p.claimed.Load() || f.each < flushLongest && slices.ContainsFunc(p.canaries, alive) {
			return false
		}
	}
	return true
}

// FlushTimers stops the largest batch of timers, for use after a crowd that has stopped many and
// left more pending. A collection must follow.
func FlushTimers(ctx context.Context) {
	f := timerFlusher{each: flushLongest}
	f.flush(ctx)
	f.end()
}

// end stops the timers that are still pending. It must follow the last flush.
func (f *timerFlusher) end() {
	for i := range f.processors {
		if last := f.processors[i].last; last != nil {
			last.Stop()
		}
	}
}

// procPin keeps the goroutine on its processor and returns the number of the processor. The
// runtime keeps both names for linknames from other modules. No public function reports on
// which processor a timer was stopped.
//
//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()
