// Command pigeonhub is the signaling hub of PeerPigeon: a drop-in replacement of
// the Node.js PigeonHub. It needs no configuration; pigeonhub --help lists what
// can be set, by flag or by environment variable.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// Exit codes. The Go runtime, too, ends a process that panicked with 2, so 2 does
// not tell a supervisor that starting again is in vain.
const (
	exitOK     = 0 // an orderly end
	exitFailed = 1 // it could not start, a listener failed, or a second signal cut the end short
	exitConfig = 2 // the configuration is wrong
	exitForced = 3 // the end missed its deadline: connections had to be cut
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// run is the program. It returns the exit code when everything it started has
// ended; the end of ctx ends it as SIGTERM does. What was asked for goes to
// stdout, logs and problems go to stderr.
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
	if len(problems) == 0 && c.checkConfig {
		problems = c.tryHub()
	}
	if len(problems) > 0 {
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
		return serve(ctx, c, newLogger(c, w))
	}
	return exitOK
}

func writeProblems(w io.Writer, problems []error) {
	for _, err := range problems {
		fmt.Fprintf(w, "pigeonhub: %v\n", err)
	}
	fmt.Fprintln(w, "pigeonhub --help lists what can be set.")
}
