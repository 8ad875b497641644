package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/pigeonhub/pigeonhub/loadgen"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// writeHelp writes the help text: that of the profile which the words name, or the whole one.
func (o *options) writeHelp(w io.Writer) {
	for _, p := range loadgen.Words() {
		if slices.Contains(o.flags.Args(), p.Word) {
			writeProfile(w, p)
			return
		}
	}
	fmt.Fprint(w, `loadgen puts load on a WebSocket hub and reports whether the hub leaks.

Usage: loadgen [run] [PROFILE] [flags] [URL]
       loadgen PROFILE --help           prints the parameters of a profile, with their defaults
       loadgen conformance [URL]        checks that a hub speaks the protocol, case by case
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
One of times is inconclusive if the generator was saturated. One that cannot be met any more ends the run.
The measures are:
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

// writeProfile writes what a profile does, its parameters, and their defaults.
func writeProfile(w io.Writer, p loadgen.Word) {
	fmt.Fprintf(w, "loadgen %s: %s.\n\n", p.Word, p.About)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(flag string, value any, about string) {
		fmt.Fprintf(table, "  %s\t%s\n", fmt.Sprintf(flag, value), about)
	}
	f := p.Phase
	row("--peers %d", f.Peers, "peers in all, or at the same time if the profile holds them")
	row("--rate %g", f.Rate, "actions a second")
	row("--duration %s", f.Duration, "of the part that the profile holds; 0s if it ends by itself")
	row("--networks %d", f.Networks, "over which the peers are spread")
	for _, param := range p.Params {
		row("--param "+param.Name+"=%s", param.Default, param.About)
	}
	table.Flush()
	note := ""
	if p.Unpaced {
		note = "\nIt puts more load on the target than its rate says. A target on another machine needs --max-rate."
	}
	fmt.Fprintf(w, "\nThe values are the defaults. loadgen --help lists all flags.%s\n", note)
}

// version returns the version of the module, the commit, the Go release and the platform.
func version() string {
	e := report.EnvironmentOf("")
	commit := ""
	if e.Commit != "" {
		commit = fmt.Sprintf(" commit %.12s", e.Commit)
	}
	return fmt.Sprintf("loadgen %s%s %s %s", cmp.Or(e.Version, "unknown"), commit, e.Go, e.System)
}
