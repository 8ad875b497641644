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

// Every processor's stopped timers must go, also where each is busy and keeps
// whoever else wants it waiting.
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

// stopOneOnEachProcessor stops a timer where a thousand others wait, and returns what
// each of the stopped ones refers to.
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
			victim.Stop() // at the end of the heap it would go with the next that is added
		}
		procUnpin()
		if mine {
			stopped[at] = weak.Make(p)
			left--
		}
	}
	return stopped, waiting
}

// hog keeps processors busy until the function it returns was called.
func hog(n int) (stop func()) {
	var ended atomic.Bool
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for !ended.Load() { // gives way only when it is made to
			}
		})
	}
	return func() {
		ended.Store(true)
		wg.Wait()
	}
}
