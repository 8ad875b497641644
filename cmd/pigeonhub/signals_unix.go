//go:build unix

package main

import (
	"os"
	"syscall"
)

// handlers has the signals that do not end the process.
var handlers = map[os.Signal]func(*service){
	syscall.SIGHUP:  (*service).reload,
	syscall.SIGUSR1: (*service).report,
	syscall.SIGUSR2: (*service).handOver,
}
