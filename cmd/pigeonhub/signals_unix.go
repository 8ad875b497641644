//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// restartCommands returns how an operator restarts this process without refusing a connection:
// see handOver.
func restartCommands() []string {
	switch {
	case os.Getpid() == 1:
		return nil // a container, which ends with its first process
	case os.Getenv("INVOCATION_ID") != "":
		return []string{"systemctl kill --kill-whom=main --signal=USR2 pigeonhub"}
	}
	return []string{fmt.Sprintf("kill -USR2 %d", os.Getpid())}
}

// handlers has the signals that do not end the process.
var handlers = map[os.Signal]func(*service){
	syscall.SIGHUP:  (*service).reload,
	syscall.SIGUSR1: (*service).report,
	syscall.SIGUSR2: (*service).handOver,
}
