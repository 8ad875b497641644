package hub

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// unacked returns how many bytes of the socket's send buffer the peer's system has not
// acknowledged, 0 if that is not known. Those of TLS include what TLS adds.
func (t *transport) unacked() (n int64) {
	sc, ok := t.socket().(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { // an error means that the connection is closed
		if queued, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
			n = int64(queued)
		}
	})
	return n
}
