//go:build unix

package hub

import (
	"io"
	"math"
	"sync"
	"syscall"
)

// directIO reports whether sockets are read and written by descriptor.
const directIO = true

// readChunk tries one read into a pooled chunk. If no bytes have arrived it holds no
// chunk and returns false, which makes RawConn.Read wait.
func (t *transport) readChunk(fd uintptr) bool {
	c := chunks.Get().(*chunk)
	n, err := ignoringEINTR(func() (int, error) { return syscall.Read(int(fd), c[:]) })
	switch {
	case err == nil && n > 0:
		t.chunk, t.from, t.to = c, 0, n
		return true
	case err == nil:
		t.readErr = io.EOF
	case err == syscall.EAGAIN:
		chunks.Put(c)
		t.session.noteDry()
		return false
	default:
		t.readErr = err
	}
	chunks.Put(c)
	return true
}

// tryWrite writes as much as the socket takes at once and returns how much that was.
// It never blocks. The caller is the only writer.
func (t *transport) tryWrite(p []byte) (int, error) {
	if t.raw == nil {
		return 0, nil
	}
	a := attempts.Get().(*attempt)
	defer attempts.Put(a)
	a.p = p
	err := t.raw.Write(a.call)
	a.p = nil
	if err != nil {
		return 0, err
	}
	return a.n, a.err
}

// attempt is one write that does not block. It is pooled together with its method
// value, because a closure for each write would cost three allocations.
type attempt struct {
	p    []byte
	n    int
	err  error
	call func(fd uintptr) bool
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.call = a.write
	return a
}}

func (a *attempt) write(fd uintptr) bool {
	a.n, a.err = writeOnce(fd, a.p)
	return true
}

// writeOnce writes what the socket takes at once, which may be nothing.
func writeOnce(fd uintptr, p []byte) (int, error) {
	n, err := ignoringEINTR(func() (int, error) { return syscall.Write(int(fd), p) })
	if err == syscall.EAGAIN {
		err = nil
	}
	return max(n, 0), err
}

func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); err != syscall.EINTR {
			return n, err
		}
	}
}

// descriptorLimit returns how many descriptors the process may open.
func descriptorLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || uint64(limit.Cur) > math.MaxInt32 {
		return math.MaxUint16
	}
	return int(limit.Cur)
}
