//go:build !unix

package main

import (
	"os"
	"syscall"
)

// restartCommands returns none: there is no signal for it.
func restartCommands() []string { return nil }

// handlers has the signals that do not end the process. This system has no others.
var handlers = map[os.Signal]func(*service){syscall.SIGHUP: (*service).reload}
