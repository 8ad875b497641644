package loadgen

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// No test leaves a goroutine behind. The test binary is also the processes that tests
// start, if the environment says so.
func TestMain(m *testing.M) {
	if serve := childProcesses[os.Getenv(childEnv)]; serve != nil {
		os.Exit(serve())
	}
	goleak.VerifyTestMain(m)
}
