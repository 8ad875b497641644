package serve_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// A server links in the harness, and no hub.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "harness", "harness/detect", "harness/detect/internal/planted", "harness/heap", "harness/settle", "harness/source",
		"harness/stack", "harness/verdict", "harness/verdict/report", "harness/verdict/units", "hub/wire", "hub/wire/hostile")
	deptest.Others(t, "github.com/gorilla/websocket")
	deptest.Never(t, "testing")
}
