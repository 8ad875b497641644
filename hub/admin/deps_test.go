package admin_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// The pages link in the hub and nothing that is for tests.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "hub", "hub/admission", "hub/suspect", "hub/wire")
	deptest.Never(t, "testing", "github.com/nats-io", "go.uber.org/goleak", "github.com/onsi",
		"github.com/prometheus/client_golang/prometheus/testutil", "github.com/chromedp")
}
