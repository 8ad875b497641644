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

// timerFlusher has the runtime forget stopped timers. A timer that was stopped
// stays in its processor's heap, and so does all it refers to, until the stopped
// ones are a quarter of that heap and the processor looks at it (timers.check in
// runtime/time.go): where a hundred timers wait, two dozen stopped ones would look
// like a leak. Stopping many more brings on the clean-up; some of each processor's,
// held weakly, show whether they were enough.
type timerFlusher struct {
	each       int // timers to stop on each processor
	processors []flushed
}

// flushed is a processor. Whoever claims it writes the rest, once.
type flushed struct {
	claimed  atomic.Bool
	canaries []weak.Pointer[time.Timer] // some of those that were stopped
	// last waits at the end of the heap: stopped timers that stand there go with the
	// next that is added, and the canaries would sing of a clean-up that was none.
	last *time.Timer
}

// The numbers of timers to stop: for some 200 that wait on a processor at first,
// for 50,000 at most; how many of them are canaries, for some come to the end
// of the heap by chance. And how long to wait for all processors to come by: one is
// held up by a collection, or by who runs on it for 10 ms before he must give way.
const (
	flushFirst   = 64
	flushLongest = 16 << 10
	flushSample  = 8
	flushWait    = time.Second
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
	_ = settle.Until(ctx, f.visit) // done tells
}

// visit sends twice as many goroutines as there are processors: which one runs
// where is the scheduler's choice.
func (f *timerFlusher) visit() error {
	var wg sync.WaitGroup
	for range 2 * len(f.processors) {
		wg.Go(func() {
			f.stopTimers()
			runtime.Gosched() // this processor looks at its heap; the next may be another
			f.stopTimers()
			runtime.Gosched()
		})
	}
	wg.Wait()
	for i := range f.processors {
		if !f.processors[i].claimed.Load() {
			return fmt.Errorf("processor %d of %d has not come by", i, len(f.processors))
		}
	}
	return nil
}

// stopTimers stops timers on the processor it runs on, unless that was done.
func (f *timerFlusher) stopTimers() {
	timers := make([]*time.Timer, f.each+1)
	at := procPin() // nothing from here to procUnpin may block
	mine := at < len(f.processors) && f.processors[at].claimed.CompareAndSwap(false, true)
	if mine {
		for i := range timers { // all wait before the first stops
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

// done reports whether stopped timers are gone, after a collection, or there are
// so many that wait that it is not to be had.
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

// FlushTimers stops as many timers as it may at once, after a crowd that has stopped many
// and left more that wait. A collection must follow.
func FlushTimers(ctx context.Context) {
	f := timerFlusher{each: flushLongest}
	f.flush(ctx)
	f.end()
}

// end stops what waits. Whoever flushes ends.
func (f *timerFlusher) end() {
	for i := range f.processors {
		if last := f.processors[i].last; last != nil {
			last.Stop()
		}
	}
}

// procPin keeps the goroutine on its processor and returns the number of that.
// The runtime keeps both names for those outside it that use them. Nothing public
// tells which processor's timers one has stopped.
//
//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()
