package suspect_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// The test needs the standard library alone.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t)
	deptest.Others(t)
	deptest.Never(t, "testing")
}
