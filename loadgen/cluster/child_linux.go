package cluster

import "syscall"

// childAttributes puts a child into a process group of its own, and ends it with the thread
// that starts it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
