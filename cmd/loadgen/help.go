package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// writeHelp writes the help text.
func (o *options) writeHelp(w io.Writer) {
	fmt.Fprint(w, `loadgen puts load on a WebSocket hub and reports whether the hub leaks.

Usage: loadgen [run] [PROFILE] [flags] [URL]
       loadgen compare BEFORE NOW
       loadgen agent --nats URL         runs a share of a run with --agents, on another machine

Without a URL it starts a pigeonhub (--hub, or one beside loadgen, or in PATH, or built with go build)
and ends it afterwards. A flag that is not given comes from the environment: LOADGEN_SEED for --seed.

Profiles:
`)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range loadgen.Words() {
		fmt.Fprintf(table, "  %s\t%s\n", p.Word, p.About)
	}
	table.Flush()
	fmt.Fprintf(w, "\nFlags:\n%s", o.flags.FlagUsagesWrapped(100))
	fmt.Fprint(w, `
A threshold is a measure, one of < <= > >= == !=, and a value: p99(offer)<50ms. It fails without a sample.
One of times is inconclusive if the generator was saturated. The measures are:
`)
	for _, line := range plan.Measures() {
		fmt.Fprintf(w, "  %s\n", line)
	}
	fmt.Fprintf(w, `
Exit codes: %d if the target passed (for a load that tests no leaks: it is done, and no threshold is broken),
%d if the target failed (it leaks, died, or broke a threshold), %d if the run was invalid or could not begin,
%d if it is inconclusive.
`, exitPassed, exitFailed, exitCannotTell, exitInconclusive)
}
