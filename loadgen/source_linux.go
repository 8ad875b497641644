package loadgen

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// portLater makes the kernel choose the port when it knows the target. A port that is
// chosen before is taken from all targets, although each one could use it.
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
