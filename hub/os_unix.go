//go:build unix

package hub

import (
	"io"
	"math"
	"syscall"
)

// directIO says that sockets can be read and written by descriptor.
const directIO = true

// readChunk tries one read into a pooled chunk. It returns false when nothing is
// there yet, which makes RawConn.Read wait with no buffer held.
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
		return false
	default:
		t.readErr = err
	}
	chunks.Put(c)
	return true
}

// tryWrite writes what the socket takes at once and returns how much that was. It
// never blocks; the caller is the only writer.
func (t *transport) tryWrite(p []byte) (n int, err error) {
	if t.raw == nil {
		return 0, nil
	}
	werr := t.raw.Write(func(fd uintptr) bool {
		n, err = ignoringEINTR(func() (int, error) { return syscall.Write(int(fd), p) })
		return true
	})
	if werr != nil {
		return 0, werr
	}
	if err == syscall.EAGAIN {
		return 0, nil
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

// descriptorLimit returns how many descriptors the process may have.
func descriptorLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || uint64(limit.Cur) > math.MaxInt32 {
		return math.MaxUint16
	}
	return int(limit.Cur)
}
