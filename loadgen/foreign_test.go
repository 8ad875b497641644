package loadgen

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// foreignDir has the servers of other protocols, and their packages once they are installed.
const foreignDir = "../testdata/foreign"

// The example plans for other protocols get an answer to each message from the servers that
// people use.
func TestForeignPlans(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if _, missing := os.Stat(foreignDir + "/node_modules"); err != nil || missing != nil {
		t.Skipf("npm install --ignore-scripts --prefix %s makes it run", foreignDir)
	}
	for _, name := range []string{"socketio", "peerjs", "ywebsocket", "mqtt"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := LoadPlan("../testdata/plans/" + name + ".yaml")
			if err == nil {
				p, err = With(p, plan.Phase{Duration: 500 * time.Millisecond})
			}
			if err != nil {
				t.Fatal(err)
			}
			url, _ := startProcess(t, exec.Command(node, foreignDir+"/serve.cjs", name))
			r := run(t, Config{URL: url, Plan: p})
			d := r.Deliveries
			if d.Sent == 0 || d.Delivered != d.Sent || r.Cut > 0 || len(r.Errors)+len(r.Verdict.Failures) > 0 {
				t.Errorf("deliveries %+v, %d cut, errors %v, instead %q", d, r.Cut, r.Errors, r.Instead)
			}
		})
	}
}
