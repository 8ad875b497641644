package regress_test

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pigeonhub/pigeonhub/harness/heap"
)

// A hub with the timeouts it has by default serves thirty days, in seconds. It
// finds janitors that swept once, timers that arm themselves again, what lives for a
// day after its peer: the last day is one of rest, and what goes only then was kept.
func TestThirtyDays(t *testing.T) {
	if remoteURL != "" {
		t.Skip("PIGEONHUB_URL is set: this hub would be in the process")
	}
	if inProcessOfItsOwn(t) {
		return
	}
	moreGoroutinesThanEver(noonCrowd * 8)
	defer heap.PauseRecording()()
	synctest.Test(t, func(t *testing.T) {
		m := beginMonth(t)
		for day := 1; day <= 30; day++ {
			m.work(day)
			m.midnight(day)
		}
		m.midnight(31)
	})
}

// inProcessOfItsOwn runs the test in another process, and reports false in that. What is
// counted is of the process: what other tests have left, a cleanup that runs late for
// instance, would be counted with it.
func inProcessOfItsOwn(t *testing.T) bool {
	const env = "PIGEONHUB_OWN_PROCESS"
	if os.Getenv(env) == t.Name() {
		return false
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), env+"="+t.Name())
	out, err := cmd.CombinedOutput()
	t.Logf("in a process of its own:\n%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a process of its own: %v", err)
	}
	return true
}

// moreGoroutinesThanEver lets n goroutines be at once, and end. The runtime keeps a
// descriptor of half a kilobyte for each of the most that there ever were (runtime,
// allgs); how many are there at noon is up to the scheduler, and the noon of one day
// may have hundreds more than those before.
func moreGoroutinesThanEver(n int) {
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
