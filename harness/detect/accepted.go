package detect

import (
	"maps"
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Accepted knows what became of the connections that a listener has accepted: a
// target that is served on one has Descriptors and Unclosed say whose connections
// were left open. It hands on the connections as they are and never keeps one alive.
//
//	accepted := detect.WatchAccepted(ln)
//	go server.Serve(accepted)
//	detectors := detect.Detectors{
//		&detect.Descriptors{Accepted: accepted, Label: crowd.DialledBy},
//		&detect.Unclosed{Accepted: accepted, Label: crowd.DialledBy},
//	}
//
// It keeps a handle on the socket of each, which ends no later than one collection
// after the connection was collected. Connections of TCP and Unix sockets are
// watched, others are not.
type Accepted struct {
	net.Listener

	mu        sync.Mutex
	open      map[*acceptedConn]struct{} // not collected yet; closed ones among them
	forgotten []acceptedFrom             // those that were collected before they were closed
	dropped   map[int]acceptedFrom       // the same, by descriptor: the runtime closes them at its next collection
}

// acceptedConn leads to the socket of a connection, not to the connection.
type acceptedConn struct {
	acceptedFrom
	socket syscall.RawConn
}

// acceptedFrom is the address of the other end of a connection, and when it came.
type acceptedFrom struct {
	address string
	at      time.Time
}

// WatchAccepted returns a listener that watches what another accepts.
func WatchAccepted(ln net.Listener) *Accepted {
	return &Accepted{Listener: ln, open: map[*acceptedConn]struct{}{}, dropped: map[int]acceptedFrom{}}
}

// Accept implements net.Listener.
func (a *Accepted) Accept() (net.Conn, error) {
	c, err := a.Listener.Accept()
	if err != nil {
		return nil, err
	}
	switch c := c.(type) {
	case *net.TCPConn:
		watchAccepted(a, c, c)
	case *net.UnixConn:
		watchAccepted(a, c, c)
	}
	return c, nil
}

func watchAccepted[T any](a *Accepted, object *T, c interface {
	net.Conn
	syscall.Conn
}) {
	socket, err := c.SyscallConn()
	if err != nil {
		return // it was closed before it was ours
	}
	w := &acceptedConn{acceptedFrom{c.RemoteAddr().String(), time.Now()}, socket}
	a.mu.Lock()
	a.open[w] = struct{}{}
	a.mu.Unlock()
	runtime.AddCleanup(object, a.collected, w)
}

// collected notes the end of a connection that nobody can close any more. The
// runtime closes its socket once we let go of it.
func (a *Accepted) collected(w *acceptedConn) {
	fd, open := w.descriptor()
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.open, w)
	if open {
		a.forgotten = append(a.forgotten, w.acceptedFrom)
		a.dropped[fd] = w.acceptedFrom
	}
}

// descriptor returns the number of the socket, if it is open.
func (w *acceptedConn) descriptor() (fd int, open bool) {
	err := w.socket.Control(func(n uintptr) { fd = int(n) })
	return fd, err == nil
}

// takeForgotten returns those that were forgotten since it was called last.
func (a *Accepted) takeForgotten() []acceptedFrom {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	forgotten := a.forgotten
	a.forgotten = nil
	return forgotten
}

// remotes returns the other ends of what is open, by descriptor; and of what was
// dropped, whose number may be another's by now.
func (a *Accepted) remotes() map[int]acceptedFrom {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	remotes := maps.Clone(a.dropped)
	for w := range a.open {
		if fd, open := w.descriptor(); open {
			remotes[fd] = w.acceptedFrom
		}
	}
	return remotes
}

// byLabel divides a count among the labels of connections; nil if fewer than nine
// tenths of them have one.
func byLabel(from []acceptedFrom, label func(string, time.Time) string, count int64) map[string]int64 {
	if label == nil {
		return nil
	}
	told := map[string]int64{}
	for _, f := range from {
		if l := label(f.address, f.at); l != "" {
			told[l]++
		}
	}
	return verdict.Apportion(told, int64(len(from)), count)
}
