//go:build !unix

package cluster

import "syscall"

// childAttributes returns nil where there are no process groups.
func childAttributes() *syscall.SysProcAttr { return nil }
