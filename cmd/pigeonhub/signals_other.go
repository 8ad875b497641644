//go:build !unix

package main

import (
	"os"
	"syscall"
)

// handlers has the signals that do not end the process. This system has no others.
var handlers = map[os.Signal]func(*service){syscall.SIGHUP: (*service).reload}
