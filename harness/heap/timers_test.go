package heap

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/pigeonhub/pigeonhub/harness/internal/toyhub"
)

// The stopped timers of each processor must go, even if other goroutines keep all processors busy.
func TestStoppedTimersGoOnABusyMachine(t *testing.T) {
	defer hog(runtime.GOMAXPROCS(0))()
	stopped, waiting := stopOneOnEachProcessor(t)
	if err := Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, s := range stopped {
		if s.Value() != nil {
			t.Errorf("processor %d: the stopped timer keeps what it refers to", i)
		}
	}
	for _, w := range waiting {
		w.Stop()
	}
}

// stopOneOnEachProcessor stops a timer on each processor beside a thousand pending ones, and returns
// the objects that the stopped ones refer to.
func stopOneOnEachProcessor(t *testing.T) (stopped []weak.Pointer[toyhub.Peer], waiting []*time.Timer) {
	stopped = make([]weak.Pointer[toyhub.Peer], runtime.GOMAXPROCS(0))
	for left := len(stopped); left > 0 && t.Context().Err() == nil; runtime.Gosched() {
		p := &toyhub.Peer{}
		at := procPin()
		mine := stopped[at] == weak.Pointer[toyhub.Peer]{}
		if mine {
			victim := time.AfterFunc(time.Hour, p.Expire)
			for range 1000 {
				waiting = append(waiting, time.AfterFunc(time.Hour, func() {}))
			}
			victim.Stop() // not at the end of the heap, where the next timer would remove it
		}
		procUnpin()
		if mine {
			stopped[at] = weak.Make(p)
			left--
		}
	}
	return stopped, waiting
}

// hog keeps processors busy until the returned function is called.
func hog(n int) (stop func()) {
	var ended atomic.Bool
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for !ended.Load() { // yields only by preemption
			}
		})
	}
	return func() {
		ended.Store(true)
		wg.Wait()
	}
}
