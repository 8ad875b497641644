package detect

import (
	"maps"
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"
	"weak"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Accepted is a listener that records the remote address of each connection it accepts, so
// that Descriptors and Unclosed can attribute the connections that were left open.
//
//	accepted := detect.WatchAccepted(ln)
//	go server.Serve(accepted)
//	detectors := detect.Detectors{
//		&detect.Descriptors{Accepted: accepted, Label: crowd.DialledBy},
//		&detect.Unclosed{Accepted: accepted, Label: crowd.DialledBy},
//	}
//
// It returns the connections unchanged and never keeps one alive. It holds a handle on the
// socket of each until one collection after the connection was collected. It watches TCP and
// Unix sockets only.
type Accepted struct {
	net.Listener

	mu        sync.Mutex
	open      map[*acceptedConn]struct{} // not collected yet, closed ones included
	forgotten []acceptedFrom             // collected before they were closed
	dropped   map[int]acceptedFrom       // the same, by descriptor; the runtime closes them at its next collection
}

// acceptedConn refers to the socket of a connection, not to the connection.
type acceptedConn struct {
	acceptedFrom
	socket syscall.RawConn
}

// acceptedFrom is the remote address of a connection and the time of its accept.
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
		return // it is closed already
	}
	w := &acceptedConn{acceptedFrom{c.RemoteAddr().String(), time.Now()}, socket}
	a.mu.Lock()
	a.open[w] = struct{}{}
	a.mu.Unlock()
	self := weak.Make(a) // a connection that stays must not keep the listener, too
	runtime.AddCleanup(object, func(w *acceptedConn) {
		if a := self.Value(); a != nil {
			a.collected(w)
		}
	}, w)
}

// collected records the end of a connection that the program can no longer close. The
// runtime closes its socket when w is dropped.
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

// descriptor returns the number of the socket, and whether it is open.
func (w *acceptedConn) descriptor() (fd int, open bool) {
	err := w.socket.Control(func(n uintptr) { fd = int(n) })
	return fd, err == nil
}

// takeForgotten returns the connections that were forgotten since its last call.
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

// remotes returns the remote ends of open connections by descriptor, and those of dropped
// ones, whose number may belong to another descriptor by now.
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

// byLabel divides a count among the labels of connections. It returns nil if fewer than nine
// tenths of them have a label.
func byLabel(from []acceptedFrom, label func(string, time.Time) string, count int64) map[string]int64 {
	if label == nil {
		return nil
	}
	labelled := map[string]int64{}
	for _, f := range from {
		if l := label(f.address, f.at); l != "" {
			labelled[l]++
		}
	}
	return verdict.Apportion(labelled, int64(len(from)), count)
}
