package main

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// succession is what a service needs to hand over to a new process. See handOver.
type succession struct {
	life        context.Context // ends with the handling of signals
	endLife     context.CancelFunc
	ending      atomic.Bool
	handingOver atomic.Bool
	helpers     sync.WaitGroup
	succeeded   chan *os.Process // receives the new process; buffered
	successor   *os.Process      // nil: this hub ends without one
	requests    atomic.Int64     // requests for peers that are being answered
}

func (s *succession) init() {
	s.life, s.endLife = context.WithCancel(context.Background())
	s.succeeded = make(chan *os.Process, 1)
}

// leaveTick is how often leave looks whether all have come in.
const leaveTick = 5 * time.Millisecond

// leave stops listening, because a successor or systemd has the same sockets. It then waits
// until what came in has become a session that is greeted or refused, or has ended, for at
// most headerTimeout. It does not shut the server down for that, because then net/http
// drops requests that it has read.
func (s *service) leave() {
	for _, ln := range s.listeners {
		ln.Close()
	}
	s.serving.Wait()
	s.servers[0].SetKeepAlivesEnabled(false) // closes idle connections
	deadline := time.NewTimer(headerTimeout)
	defer deadline.Stop()
	tick := time.NewTicker(leaveTick)
	defer tick.Stop()
	for s.expects() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return
		}
	}
}

// expects reports whether a connection may still become a session. It looks in the order
// in which a connection goes, so that it misses none.
func (s *service) expects() bool {
	if s.pending.size() > 0 || s.requests.Load() > 0 {
		return true
	}
	st := s.hub.Stats()
	return st.Sessions > st.Admitted+st.Refused
}
