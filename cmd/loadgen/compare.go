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

// compareWord is the word that asks for a comparison in place of a run.
const compareWord = "compare"

const compareUsage = `Usage: loadgen compare [flags] BEFORE NOW

BEFORE and NOW are results of two runs of the same plan: the loadgen.json of a report, or the report's
directory. What differs by less than the noise that was measured in the runs is equal.

Flags:
%s
Exit codes: %d when nothing became worse, %d when something did, %d when they cannot be compared, %d when
one of the runs cannot tell.
`

// compare compares two results, and returns the exit code.
func compare(args []string, stdout, stderr io.Writer) int {
	flags := pflag.NewFlagSet("loadgen compare", pflag.ContinueOnError)
	flags.Usage = func() {}
	markdown := flags.Bool("markdown", false, "write Markdown")
	like := flags.StringArray("like", nil, "a further `RESULT` like BEFORE, which shows how much runs of the same differ; may be given more than once")
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

// readResult reads a result, or that in the directory of a report.
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
