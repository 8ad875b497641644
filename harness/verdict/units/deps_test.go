package units_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// Every package may use units, so units uses none of ours.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t)
	deptest.Others(t)
	deptest.Never(t, "testing", "net", "os/exec")
}
