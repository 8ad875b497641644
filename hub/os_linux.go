package hub

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// unsentLimit bounds the bytes that the system holds for a peer and has not sent, with
// one write more. Without it a peer that does not read costs megabytes of the system's
// memory before anything waits in the session's queue, which has a bound.
const unsentLimit = 64 << 10

func (t *transport) limitUnsent() {
	t.control(func(fd int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentLimit) })
}

// unacked returns how many bytes of the socket's send buffer the peer's system has not
// acknowledged, 0 if that is not known. Those of TLS include what TLS adds.
func (t *transport) unacked() (n int64) {
	t.control(func(fd int) {
		if queued, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ); err == nil {
			n = int64(queued)
		}
	})
	return n
}

// control calls f with the socket's descriptor, unless there is none or it is closed.
func (t *transport) control(f func(fd int)) {
	sc, ok := t.socket().(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := sc.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}
