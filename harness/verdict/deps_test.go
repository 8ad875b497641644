package verdict_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// A verdict is a pure function: nothing that it links in could read the clock for it, start
// a process or use the network.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "harness/verdict/units")
	deptest.Others(t)
	deptest.Never(t, "testing", "net", "os/exec")
}
