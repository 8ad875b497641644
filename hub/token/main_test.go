package token_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t, "hub", "hub/admission", "hub/suspect", "hub/wire")
	deptest.Never(t, "testing", "net/http/httptest", "go.uber.org/goleak")
}
