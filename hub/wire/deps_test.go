package wire_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// The protocol needs gorilla/websocket and the standard library alone.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t)
	deptest.Others(t, "github.com/gorilla/websocket")
	deptest.Never(t, "testing")
}
