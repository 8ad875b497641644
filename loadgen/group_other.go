//go:build !unix

package loadgen

import "syscall"

// ownGroup has no effect where there are no process groups.
func ownGroup() *syscall.SysProcAttr { return nil }
