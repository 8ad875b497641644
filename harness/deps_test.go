package harness_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// The harness works on any hub: it links in the protocol, the readings and the verdict,
// never our hub.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "harness/detect", "harness/detect/internal/planted", "harness/heap", "harness/settle", "harness/source",
		"harness/stack", "harness/verdict", "harness/verdict/report", "harness/verdict/units", "hub/wire", "hub/wire/hostile")
	deptest.Others(t, "github.com/gorilla/websocket")
	deptest.Never(t, "testing")
}
