//go:build !unix

package main

import "syscall"

// Signals that do not end the process. This system has no signal that asks for a
// report.
const (
	signalReload = syscall.SIGHUP
	signalReport = syscall.SIGHUP
)
