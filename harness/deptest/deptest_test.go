package deptest_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t)
	deptest.Others(t)
	deptest.Never(t, "net/http")
}
