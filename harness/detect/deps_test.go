package detect_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// Detectors know nothing of hubs: each works alone, in the tests of any Go program.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "harness/detect/internal/planted", "harness/heap", "harness/source", "harness/stack", "harness/settle",
		"harness/verdict", "harness/verdict/units")
	deptest.Others(t)
	deptest.Never(t, "testing")
}
