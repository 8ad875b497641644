package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func (o *options) writeHelp(w io.Writer) {
	fmt.Fprint(w, `loadgen puts load on a WebSocket hub and says whether the hub leaks.

Usage: loadgen [run] [PROFILE] [flags] [URL]
       loadgen compare BEFORE NOW
       loadgen agent --nats URL         does a share of runs with --agents, from another machine

Without a URL it starts a pigeonhub of its own (--hub, or beside loadgen, or in PATH, or built with
go build) and ends it afterwards. A flag that is not given comes from the environment: LOADGEN_SEED
stands for --seed.

Profiles:
`)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range loadgen.Words() {
		fmt.Fprintf(table, "  %s\t%s\n", p.Word, p.About)
	}
	table.Flush()
	fmt.Fprintf(w, "\nFlags:\n%s", o.flags.FlagUsagesWrapped(100))
	fmt.Fprint(w, `
Thresholds are what, one of < <= > >= == !=, and a value: p99(offer)<50ms. One without a sample fails;
one of times is inconclusive when the generator was saturated. What may be compared:
`)
	for _, line := range plan.Measures() {
		fmt.Fprintf(w, "  %s\n", line)
	}
	fmt.Fprintf(w, `
Exit codes: %d when the target passed, %d when it failed (it leaks, died, or broke a threshold), %d when the run could
not tell, %d when it was too short to.
`, exitPassed, exitFailed, exitCannotTell, exitInconclusive)
}
