//go:build unix

package main

import "syscall"

// Signals that do not end the process.
const (
	signalReload = syscall.SIGHUP
	signalReport = syscall.SIGUSR1
)
