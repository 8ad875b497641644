package report_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// A report is a pure function of a verdict.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "harness/verdict", "harness/verdict/units")
	deptest.Others(t)
	deptest.Never(t, "testing", "net/http", "os/exec")
}
