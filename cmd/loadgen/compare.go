package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// compareWord selects the compare command.
const compareWord = "compare"

const compareUsage = `Usage: loadgen compare [flags] BEFORE NOW

BEFORE and NOW are results of two runs of the same plan: the loadgen.json of a report, or the directory of
the report. For a difference within the noise of the runs the row says "cannot tell", and it is no regression.

Flags:
%s
Exit codes: %d if nothing became worse, %d if something did, %d if the runs cannot be compared, %d if one of
them is not conclusive.
`

// compare compares two results, and returns the exit code.
func compare(args []string, stdout, stderr io.Writer) int {
	flags := pflag.NewFlagSet("loadgen compare", pflag.ContinueOnError)
	flags.Usage = func() {}
	markdown := flags.Bool("markdown", false, "write Markdown")
	like := flags.StringArray("like", nil, "a further `RESULT` of the same target as BEFORE, which shows how much its runs differ; may be repeated")
	help := flags.BoolP("help", "h", false, "print this")
	err := flags.Parse(args)
	switch {
	case err != nil:
		return printError(stderr, err)
	case *help:
		fmt.Fprintf(stdout, compareUsage, flags.FlagUsagesWrapped(100), exitPassed, exitFailed, exitCannotTell, exitInconclusive)
		return exitPassed
	case flags.NArg() != 2:
		return printError(stderr, errors.New("compare takes two results, BEFORE and NOW; loadgen compare --help says more"))
	}
	var results []report.Result
	for _, name := range append(flags.Args(), *like...) {
		r, err := readResult(name)
		if err != nil {
			return printError(stderr, err)
		}
		results = append(results, r)
	}
	c, err := report.Compare(results[0], results[1], results[2:]...)
	if err == nil && *markdown {
		err = c.WriteMarkdown(stdout)
	} else if err == nil {
		err = c.WriteText(stdout)
	}
	if err != nil {
		return printError(stderr, err)
	}
	return c.Outcome.ExitCode()
}

// readResult reads a result from a file, or from the directory of a report.
func readResult(name string) (report.Result, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		name = filepath.Join(name, "loadgen.json")
	}
	f, err := os.Open(name)
	if err != nil {
		return report.Result{}, err
	}
	defer f.Close()
	r, err := report.ReadResult(f)
	if err != nil {
		return report.Result{}, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}
