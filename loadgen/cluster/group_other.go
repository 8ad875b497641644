//go:build !unix

package cluster

import "syscall"

// ownGroup has no effect where there are no process groups.
func ownGroup() *syscall.SysProcAttr { return nil }
