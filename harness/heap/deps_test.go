package heap_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// The heap knows nothing of detectors and hubs.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "harness/settle", "harness/stack", "harness/verdict", "harness/verdict/units")
	deptest.Others(t)
	deptest.Never(t, "testing", "net/http")
}
