package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/agents"
	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
)

// workerWord makes the program a worker of another loadgen, which starts it.
const workerWord = "worker"

// isWorker reports whether the command line makes a worker.
func isWorker(args []string) bool { return len(args) == 2 && args[1] == workerWord }

// serveWorker runs a share until the run is over or its parent has ended. It does not
// handle signals: they end the process.
func serveWorker() int {
	if err := loadgen.ServeWorker(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitCannotTell
	}
	return exitPassed
}

// recruiter returns where the workers of a run come from.
func (o *options) recruiter() (cluster.Recruiter, error) {
	if o.agents > 0 {
		return agents.Agents{NATS: o.nats, Embedded: o.embedded, Patience: o.wait}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("workers: %w", err)
	}
	return cluster.Processes{Command: []string{self, workerWord}}, nil
}

// maxWorkers catches typing errors.
const maxWorkers = 1000

func (o *options) checkWorkers() error {
	switch {
	case o.workers < 0 || o.workers > maxWorkers:
		return fmt.Errorf("--workers is %d, must be 0 to %d", o.workers, maxWorkers)
	case o.agents < 0 || o.agents > maxWorkers:
		return fmt.Errorf("--agents is %d, must be 0 to %d", o.agents, maxWorkers)
	case o.agents > 0 && o.workers > 0:
		return errors.New("--workers and --agents exclude each other")
	case (o.embedded.Cert == "") != (o.embedded.Key == ""):
		return errors.New("--nats-cert and --nats-key go together")
	case o.agents > 0 && o.url == "":
		return errors.New("--agents needs a URL: a hub that loadgen starts listens on this machine only")
	case o.agents > 0:
		return nil
	}
	for _, name := range []string{"nats", "nats-token", "nats-ca", "nats-listen", "nats-cert", "nats-key", "agents-wait"} {
		if o.given[name] {
			return fmt.Errorf("--%s is for runs with --agents", name)
		}
	}
	return nil
}
