//go:build unix

package main

import (
	"net"
	"syscall"
)

// isSilent reports whether a connection has sent nothing that waits to be read. It does
// not look into TLS, where the handshake may have been read and be under way.
func isSilent(conn net.Conn) bool {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	silent := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		silent = err == syscall.EAGAIN
	})
	return err == nil && silent
}
