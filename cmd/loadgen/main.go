// Command loadgen puts load on a WebSocket hub and reports whether the hub leaks.
//
//	go run ./cmd/loadgen                            # starts a pigeonhub and checks it
//	go run ./cmd/loadgen ws://127.0.0.1:3000        # checks a hub that runs
//	go run ./cmd/loadgen churn --peers 5000 ws://127.0.0.1:3000
//
//	main.go options.go help.go   the command line
//	check.go compare.go conformance*.go agent.go worker.go   the commands
//	hub.go restart.go            a hub that loadgen starts
//	remote.go                    what a target on another machine may get
//	push.go github.go            results where teams look
//	screen.go live.go progress.go   the terminal
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes. The first four are those of a verdict.
const (
	exitPassed       = 0 // no leak; or a load without a leak test is done
	exitFailed       = 1 // a leak, or another failure of the target
	exitCannotTell   = 2 // the run could not begin, or was invalid
	exitInconclusive = 3
)

func main() {
	if isWorker(os.Args) {
		os.Exit(serveWorker())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the run in order; a second one ends the process.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run runs the program. It returns the exit code when everything that it started has ended.
// The result goes to stdout, progress and errors to stderr.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == compareWord {
		return compare(args[1:], stdout, stderr)
	}
	if len(args) > 0 && args[0] == agentWord {
		return runAgent(ctx, args[1:], environ, stdout, stderr)
	}
	if len(args) > 0 && args[0] == conformanceWord {
		return checkConformance(ctx, args[1:], environ, stdout, stderr)
	}
	o, err := parse(args, environ)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "loadgen: %v\nloadgen --help lists the flags.\n", err)
		return exitCannotTell
	case o.help:
		o.writeHelp(stdout)
		return exitPassed
	case o.version:
		fmt.Fprintln(stdout, version())
		return exitPassed
	case o.printPlan:
		return printError(stderr, o.writePlan(stdout))
	}
	result, err := o.check(ctx, stderr)
	if err == nil {
		err = result.WriteText(stdout)
	}
	if err == nil && o.report != "" {
		err = result.WriteReport(o.report)
	}
	if err == nil {
		err = o.writeForGitHub(&result, stdout)
	}
	if err != nil {
		return printError(stderr, err)
	}
	return result.Verdict.Outcome.ExitCode()
}

func printError(stderr io.Writer, err error) int {
	if err == nil {
		return exitPassed
	}
	fmt.Fprintf(stderr, "loadgen: %v\n", err)
	return exitCannotTell
}
