package regress_test

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// TestThirtyDays runs a hub with its default timeouts for thirty virtual days in a synctest
// bubble. It finds what shorter runs cannot: a sweep that runs only once, a timer that rearms
// itself, state that outlives its peer by hours. On day 31 no peer joins. What is released only
// then was retained for a day.
func TestThirtyDays(t *testing.T) {
	if remoteURL != "" {
		t.Skip("PIGEONHUB_URL is set: this test runs a hub of its own")
	}
	if runInOwnProcess(t) {
		return
	}
	growGoroutineTable(peakPeers * 8)
	defer heap.PauseRecording()()
	synctest.Test(t, func(t *testing.T) {
		m := beginMonth(t)
		for day := 1; day <= 30 && !t.Failed(); day++ { // a later day would say the same again
			m.work(day)
			m.readMidnight(day)
		}
		m.readMidnight(31)
	})
}

// runInOwnProcess runs the test in a child process and reports true, or reports false in the
// child. The test counts objects of the whole process, so that other tests would disturb it.
func runInOwnProcess(t *testing.T) bool {
	const env = "PIGEONHUB_OWN_PROCESS"
	if os.Getenv(env) == t.Name() {
		return false
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), env+"="+t.Name())
	out, err := cmd.CombinedOutput()
	t.Logf("output of the child process:\n%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("the child process: %v", err)
		summary.fail(report.TestFailure{Test: t.Name(), Place: "regress/days_test.go", What: "its child process failed\n" + lastLines(out, 20)})
	}
	return true
}

// growGoroutineTable runs n goroutines at once and returns when they have ended. The runtime
// never frees a goroutine descriptor (runtime.allgs) of half a kilobyte. How many goroutines
// run at the peak of a day depends on the scheduler, so the table must be large enough before
// the first reading.
func growGoroutineTable(n int) {
	var all, ended sync.WaitGroup
	all.Add(n)
	for range n {
		ended.Go(func() {
			all.Done()
			all.Wait()
		})
	}
	ended.Wait()
}
