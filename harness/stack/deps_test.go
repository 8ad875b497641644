package stack_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// Stacks know nothing of hubs.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "harness/verdict", "harness/verdict/units")
	deptest.Others(t)
}
