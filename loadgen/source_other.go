//go:build !linux

package loadgen

import "syscall"

// portLater does nothing where the system has no such option.
func portLater(_, _ string, _ syscall.RawConn) error { return nil }
