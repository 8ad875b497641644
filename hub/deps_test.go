package hub_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// The hub is a library for production: it links in neither what tests it nor what
// watches it.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "hub/admission", "hub/suspect", "hub/wire")
	deptest.Others(t, "github.com/gorilla/websocket", "github.com/KimMachineGun/automemlimit", "github.com/pbnjay/memory", "golang.org/x/sys",
		"github.com/realclientip/realclientip-go")
	deptest.Never(t, "testing", "net/http/httptest")
}
