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
)

// The packages whose coverage the suite reports. Those of inProcess are linked into the suite;
// cmd/pigeonhub runs as a child process.
var (
	inProcess       = []string{"./hub", "./hub/wire", "./hub/admission", "./hub/admin"}
	coveredPackages = append(inProcess[:len(inProcess):len(inProcess)], "./cmd/pigeonhub")
)

// coverFlags build a program with coverage counters.
const coverFlags = "-coverpkg=./hub/... -covermode=atomic"

// unmeasured returns the coverage of a suite that was built without counters. That of a hub
// elsewhere cannot be measured.
func unmeasured() *verdict.Coverage {
	if remoteURL != "" {
		return nil
	}
	return &verdict.Coverage{Why: "the suite was built without -cover", Do: "make regress, or go test " + coverFlags + " ./regress"}
}

// childCounters is the folder in which programs that the suite starts write their counters. It
// is empty if the suite was built without counters.
var childCounters string

// runAll runs the tests, writes the summary, and returns the exit status.
func runAll(m *testing.M) (code int) {
	flag.Parse()
	coverage := unmeasured()
	var err error
	if testing.CoverMode() == "" {
		code = m.Run()
	} else {
		coverage, code, err = runCounted(m)
	}
	if err := errors.Join(err, summary.write(coverage)); err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
		code = max(code, 1)
	}
	return code
}

// runCounted runs the tests and returns which code they ran.
func runCounted(m *testing.M) (ran *verdict.Coverage, code int, err error) {
	dir, err := os.MkdirTemp("", "regress-cover")
	if err != nil {
		return nil, 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	counters := flag.Lookup("test.gocoverdir")
	childCounters = filepath.Join(dir, "child")
	own := filepath.Join(dir, "own")
	if err := errors.Join(os.Mkdir(childCounters, 0o755), os.Mkdir(own, 0o755)); err != nil {
		return nil, 1, err
	}
	if named := counters.Value.String(); named != "" {
		own = named
	} else if err := counters.Value.Set(own); err != nil {
		return nil, 1, err
	}
	code = m.Run()
	if len(summary.runs) == 0 {
		return nil, code, nil // no leak campaign was part of the run
	}
	ran, err = measured(own)
	return ran, code, err
}

// measured returns the coverage. own is the folder of this process's counters.
func measured(own string) (*verdict.Coverage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	profiles, err := cover.Read(ctx, own, childCounters)
	if err != nil {
		return nil, err
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
	return ran, nil
}
