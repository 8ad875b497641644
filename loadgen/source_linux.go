package loadgen

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// portLater has the port chosen when the target is known: chosen before, it would be
// taken from all targets, and a port that serves one could not serve another.
func portLater(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})
	if err != nil {
		return err
	}
	return failed
}
