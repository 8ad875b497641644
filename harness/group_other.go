//go:build !unix

package harness

import (
	"os/exec"
	"syscall"
)

// ownGroup has no effect where there are no process groups.
func ownGroup(*exec.Cmd) {}

// signalGroup sends a signal to the child alone.
func signalGroup(cmd *exec.Cmd, s syscall.Signal) { _ = cmd.Process.Signal(s) } // it may be gone
