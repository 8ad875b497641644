package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pigeonhub/pigeonhub/loadgen"
)

// workerWord makes the program a worker of another loadgen, which starts it. People
// have no use for it.
const workerWord = "worker"

// isWorker reports whether the command line makes a worker.
func isWorker(args []string) bool { return len(args) == 2 && args[1] == workerWord }

// serveWorker does a share of a run until it is over or whoever started it has ended.
// Signals are not handled: they end a worker as they end any process.
func serveWorker() int {
	if err := loadgen.ServeWorker(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitCannotTell
	}
	return exitPassed
}

// recruiter says where the workers of a run come from.
func (o *options) recruiter() (loadgen.Recruiter, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("workers: %w", err)
	}
	return loadgen.Processes{Command: []string{self, workerWord}}, nil
}
