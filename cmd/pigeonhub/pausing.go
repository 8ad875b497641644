package main

import (
	"net"
	"sync"
	"time"
)

// pausingListener accepts no connection while a connLimiter is full of connections
// that came a moment ago. When many peers connect at once, those that do not fit
// wait in the kernel's queue. Otherwise they would push out the ones before them,
// which would then connect again.
type pausingListener struct {
	net.Listener
	limiter *connLimiter

	once   sync.Once
	closed chan struct{}
}

func newPausingListener(ln net.Listener, l *connLimiter) *pausingListener {
	return &pausingListener{Listener: ln, limiter: l, closed: make(chan struct{})}
}

// Accept implements net.Listener. It waits until there is room.
func (g *pausingListener) Accept() (net.Conn, error) {
	for {
		wait := g.limiter.fullFor()
		if wait == 0 {
			return g.Listener.Accept()
		}
		timer := time.NewTimer(wait)
		select {
		case <-g.limiter.left:
		case <-timer.C:
		case <-g.closed:
			timer.Stop()
			return nil, net.ErrClosed
		}
		timer.Stop()
	}
}

// Close implements net.Listener. It also ends a waiting Accept.
func (g *pausingListener) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Listener.Close()
}
