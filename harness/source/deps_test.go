package source_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// Reading source knows nothing of hubs.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "harness/stack", "harness/verdict", "harness/verdict/units")
	deptest.Others(t)
}
