package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// WriteReport writes a verdict in all formats of package report to a directory, which it creates
// if necessary. If the run did not pass, it adds raw evidence: goroutine.txt has the stacks,
// heap.pb.gz the heap profile. It replaces the files of an earlier report.
func WriteReport(dir string, v verdict.Verdict) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	var errs []error
	for _, format := range report.Formats() {
		errs = append(errs, writeFile(filepath.Join(dir, format.File), func(f *os.File) error { return format.Write(f, v) }))
	}
	for name, raw := range map[string]struct {
		profile string
		debug   int
	}{"goroutine.txt": {"goroutine", 1}, "heap.pb.gz": {"heap", 0}} {
		path := filepath.Join(dir, name)
		if v.Outcome == verdict.Pass {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				errs = append(errs, err)
			}
			continue
		}
		errs = append(errs, writeFile(path, func(f *os.File) error { return pprof.Lookup(raw.profile).WriteTo(f, raw.debug) }))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// WriteSuite writes the result of a suite to a directory in all formats of package report. The
// pages of the runs that it refers to are written by WriteReport.
func WriteSuite(dir string, s report.Suite) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	var errs []error
	for _, format := range report.SuiteFormats() {
		errs = append(errs, writeFile(filepath.Join(dir, format.File), func(f *os.File) error { return format.Write(f, s) }))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func writeFile(path string, write func(*os.File) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
