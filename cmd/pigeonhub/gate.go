package main

import (
	"net"
	"sync"
	"time"
)

// gate is a listener before a lobby. As long as that is full of connections that have
// only just come it takes no more of them: a herd that is larger waits in the queue of
// the kernel, instead of pushing out those of its own that came first, who would come
// again.
type gate struct {
	net.Listener
	lobby *lobby

	once   sync.Once
	closed chan struct{}
}

func newGate(ln net.Listener, l *lobby) *gate {
	return &gate{Listener: ln, lobby: l, closed: make(chan struct{})}
}

// Accept takes one in when there is room.
func (g *gate) Accept() (net.Conn, error) {
	for {
		wait := g.lobby.fullFor()
		if wait == 0 {
			return g.Listener.Accept()
		}
		timer := time.NewTimer(wait)
		select {
		case <-g.lobby.left:
		case <-timer.C:
		case <-g.closed:
			timer.Stop()
			return nil, net.ErrClosed
		}
		timer.Stop()
	}
}

// Close ends Accept, too.
func (g *gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return g.Listener.Close()
}
