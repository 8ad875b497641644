package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// writeForGitHub adds to a job of GitHub Actions, if this is one, what the result says: annotations
// to its log, and the verdict to its summary. It does nothing elsewhere.
func (o *options) writeForGitHub(r *report.Result, stdout io.Writer) error {
	var errs []error
	if o.environ["GITHUB_ACTIONS"] == "true" {
		errs = append(errs, r.WriteAnnotations(stdout))
	}
	if name := o.environ["GITHUB_STEP_SUMMARY"]; name != "" {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			err = errors.Join(r.WriteMarkdown(f), f.Close())
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("job summary: %w", err)
	}
	return nil
}
