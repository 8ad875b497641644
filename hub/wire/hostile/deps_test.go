package hostile_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "hub/wire")
	deptest.Never(t, "testing")
}
