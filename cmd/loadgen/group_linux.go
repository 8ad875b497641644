package main

import "syscall"

// ownGroup keeps the terminal's signals from a child, and ends it, as an operator would,
// when the thread that starts it ends: with this process, however that goes.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
