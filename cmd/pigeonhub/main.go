// Command pigeonhub is the signaling hub of PeerPigeon, a drop-in replacement for the
// Node.js PigeonHub. It needs no configuration:
//
//	go run ./cmd/pigeonhub
//
// README.md has the settings, exit codes and operation. The files:
//
//	main.go                          run, exit codes
//	settings.go, values.go           the list of settings, kinds of values
//	config.go, resolve.go, file.go   from flags, variables and a file to a config
//	help.go                          --help, --print-config
//	serve.go, server.go, listen.go   the hub, its listeners and its shutdown
//	inherit*.go, handover_unix.go    sockets from systemd, and for the process that follows
//	notify*.go                       messages to systemd
//	pending.go, pausing.go           connections that are no session yet
//	signals.go, signals_*.go         signals that do not end the process
//	reload.go, report.go             what these signals ask for
//	tls.go, health.go, memlimit.go   certificates, --health-check, GOMEMLIMIT
//	log.go, logwriter.go             logs
//	version.go                       --version
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Exit codes. The Go runtime also ends a crashed process with 2, so a supervisor cannot
// conclude from 2 that a restart is in vain.
const (
	exitOK     = 0 // orderly shutdown
	exitFailed = 1 // it could not start, a listener failed, or a second signal cut the shutdown short
	exitConfig = 2 // the configuration is wrong
	exitForced = 3 // the shutdown timeout passed: connections had to be cut
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run is the program. It returns the exit code when everything it started has ended. The
// end of ctx acts like SIGTERM. Output that was asked for goes to stdout, logs and
// problems go to stderr.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	c := newConfig(environ)
	problems := c.resolve(args)
	switch {
	case c.help:
		c.writeHelp(stdout)
		return exitOK
	case c.version:
		fmt.Fprintln(stdout, buildVersion())
		return exitOK
	}
	problems = append(problems, c.loadTLS()...)
	problems = append(problems, c.loadRules()...)
	problems = append(problems, c.checkMetrics()...)
	if len(problems) == 0 && c.checkConfig {
		problems = c.tryHub()
	}
	in, err := inherit(c.environ)
	if err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		in.report(errors.Join(problems...).Error())
		writeProblems(stderr, problems)
		return exitConfig
	}
	switch {
	case c.printConfig:
		c.writeConfig(stdout)
	case c.checkConfig:
		fmt.Fprintln(stdout, "ok")
	case c.healthCheck:
		return c.checkHealth(ctx, stderr)
	default:
		w := newLogWriter(stderr)
		defer w.end()
		return serve(ctx, c, in, newLogger(c, w))
	}
	return exitOK
}

func writeProblems(w io.Writer, problems []error) {
	for _, err := range problems {
		fmt.Fprintf(w, "pigeonhub: %v\n", err)
	}
	fmt.Fprintln(w, "pigeonhub --help lists the settings.")
}
