package regress_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/cover"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// The packages whose coverage the suite reports. Those of inProcess are linked into the suite;
// cmd/pigeonhub runs as a child process.
var (
	inProcess       = []string{"./hub", "./hub/wire", "./hub/admission", "./hub/admin"}
	coveredPackages = append(inProcess[:len(inProcess):len(inProcess)], "./cmd/pigeonhub")
)

// coverFlags build a program with coverage counters.
const coverFlags = "-coverpkg=./hub/... -covermode=atomic"

// unmeasured returns the coverage of a suite that was built without counters.
func unmeasured() *verdict.Coverage {
	return &verdict.Coverage{Why: "the suite was built without -cover", Do: "make regress, or go test " + coverFlags + " ./regress"}
}

// childCounters is the folder in which programs that the suite starts write their counters. It
// is empty if the suite was built without counters.
var childCounters string

// TestMain adds the coverage to the reports. A test binary writes its counters after all tests,
// so TestMain writes the reports again.
func TestMain(m *testing.M) {
	flag.Parse()
	if testing.CoverMode() == "" {
		os.Exit(m.Run())
	}
	code, err := runCounted(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "coverage:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// runCounted runs the tests and reports which code they ran.
func runCounted(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "regress-cover")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	counters := flag.Lookup("test.gocoverdir")
	childCounters = filepath.Join(dir, "child")
	own := filepath.Join(dir, "own")
	if err := errors.Join(os.Mkdir(childCounters, 0o755), os.Mkdir(own, 0o755)); err != nil {
		return 1, err
	}
	if named := counters.Value.String(); named != "" {
		own = named
	} else if err := counters.Value.Set(own); err != nil {
		return 1, err
	}
	code = m.Run()
	if len(summary.list) == 0 {
		return code, nil // no leak campaign was part of the run
	}
	return code, reportCoverage(own)
}

// reportCoverage prints the coverage and writes it into the reports. own is the folder of this
// process's counters.
func reportCoverage(own string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	profiles, err := cover.Read(ctx, own, childCounters)
	if err != nil {
		return err
	}
	packages, why := coveredPackages, ""
	if entries, err := os.ReadDir(childCounters); err == nil && len(entries) == 0 {
		packages, why = inProcess, "cmd/pigeonhub was not started"
	}
	ran, err := cover.Measure(moduleRoot, profiles, packages...)
	if err != nil {
		ran = &verdict.Coverage{}
		why = err.Error()
	}
	ran.Why = why
	for _, v := range summary.list {
		v.Coverage = ran
		err = errors.Join(err, rewrite(filepath.Dir(v.Run.Report), v))
	}
	return errors.Join(err, report.Coverage(os.Stdout, *ran))
}

// rewrite writes the files of a report again, except the raw profiles.
func rewrite(dir string, v verdict.Verdict) error {
	for _, format := range report.Formats() {
		f, err := os.Create(filepath.Join(dir, format.File))
		if err != nil {
			return err
		}
		if err := errors.Join(format.Write(f, v), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
