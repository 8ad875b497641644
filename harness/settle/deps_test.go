package settle_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// Waiting knows nothing of hubs.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t)
	deptest.Others(t)
}
