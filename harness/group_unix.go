//go:build unix

package harness

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a child, and what it starts, in a process group of its own.
func ownGroup(cmd *exec.Cmd) {
	attr := &syscall.SysProcAttr{}
	if cmd.SysProcAttr != nil {
		*attr = *cmd.SysProcAttr
	}
	attr.Setpgid = !attr.Setsid // a session of its own has a group of its own
	cmd.SysProcAttr = attr
}

// signalGroup sends a signal to all of a child's group. Until the child is reaped no
// other group can have its number.
func signalGroup(cmd *exec.Cmd, s syscall.Signal) { _ = syscall.Kill(-cmd.Process.Pid, s) } // they may all be gone
