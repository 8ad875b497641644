package conformance_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// The checks work on any hub: they link in the protocol, never our hub.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "harness", "harness/detect", "harness/detect/internal/planted", "harness/heap", "harness/settle", "harness/source",
		"harness/stack", "harness/verdict", "harness/verdict/report", "harness/verdict/units", "hub/wire", "hub/wire/hostile")
	deptest.Never(t, "testing")
}
