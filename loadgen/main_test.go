package loadgen

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

// No test leaves a goroutine behind. The test binary is also the processes that tests
// start, if the environment says so.
func TestMain(m *testing.M) {
	if serve := childProcesses[os.Getenv(childEnv)]; serve != nil {
		os.Exit(serve())
	}
	parallelTests()
	goleak.VerifyTestMain(m)
}

// parallelTests lets more tests go on at once than there are processors, if the command
// line does not say how many: they wait for their schedules far more than they compute.
func parallelTests() {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", strconv.Itoa(testsForProcessor*runtime.GOMAXPROCS(0)))
	}
}
