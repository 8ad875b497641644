package cover_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// TestDeps checks that the package imports no hub, so that it can measure any program.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "harness/mutate", "harness/mutate/site", "harness/verdict", "harness/verdict/units")
	deptest.Others(t, "golang.org/x/tools", "golang.org/x/mod", "golang.org/x/sync")
	deptest.Never(t, "testing")
}
