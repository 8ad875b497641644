package loadgen

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// Calibration: is the leak verdict right where the answer is known? Small hubs
// (testdata/leakyhubs), each with one leak or with growth that is none, are checked as
// any deployed hub is. `make calibrate` runs all, CALIBRATE=sample some; the table goes
// to a file.
const (
	calibrateVariable = "PIGEONHUB_CALIBRATE"        // all, sample, or names of hubs
	roundsVariable    = "PIGEONHUB_CALIBRATE_ROUNDS" // how often each healthy hub is checked
	tableVariable     = "PIGEONHUB_CALIBRATE_TABLE"  // Markdown file
)

// calibration is one hub and what is to be found.
type calibration struct {
	hub    string
	pages  string // that can be read
	pid    bool   // the process can be read, too
	want   string // the scenarios that leak; "" for no leak, "any" where they cannot be solved for
	seen   string // in the field or the place of the leak
	peers  int    // default short
	stay   string // residents, default none
	sample bool
}

const (
	short = 720  // peers of a check of a leak of each peer: what it takes to be sure of one
	small = 7700 // of a check of a small leak: 10,000 lives with the warm-up and those that come twice
)

// undecided is wanted of a leak that looks like something healthy after so few peers.
const undecided = "undecided"

// calibrations are all there are.
var calibrations = []calibration{
	{hub: "session-per-rst", pages: "health,metrics", want: "rst", seen: "peers", sample: true},
	{hub: "session-per-vanish", pages: "health", want: "vanish", seen: "health.peers"},
	{hub: "goroutine-per-vanish", pages: "pprof", want: "vanish", seen: "await", sample: true},
	{hub: "network-per-roam", pages: "health", want: "large-name and roam", seen: "networks"},
	{hub: "subscription-per-goodbye", pages: "metrics", want: "ghost and goodbye", seen: "subscriptions"},
	{hub: "timer-per-early-close", pages: "health,pprof", want: "early-close", seen: "newConn", peers: 1500},
	{hub: "buffer-per-large-message", pages: "pprof", want: "signal", seen: "handle", peers: 4000, sample: true},
	{hub: "hub-claim-kept", pages: "health", want: "hubs", seen: "health.hubs"},
	{hub: "descriptor-per-rst", pages: "health", pid: true, want: "rst", seen: "proc.descriptors", sample: true},
	{hub: "id-per-peer", pages: "health", want: undecided, seen: "health.seen"}, // a total would look the same
	{hub: "64-bytes-per-peer", pages: "pprof", want: undecided, peers: small},   // a ring would look the same
	{hub: "goroutine-per-1000", pages: "metrics,pprof", want: "any", seen: "goroutines", peers: small},

	{hub: "notices-of-resident", pages: "health,pprof", want: residentsName, seen: "discovered", stay: "8"},
	{hub: "watchers-of-resident", pages: "health", want: residentsName, seen: "watchers", stay: "8"},
	{hub: "goroutines-of-resident", pages: "metrics,pprof", want: residentsName, seen: "awaitEnd", stay: "8", sample: true},
	{hub: "timers-of-resident", pages: "pprof", want: residentsName, seen: "versions", stay: "8"},

	{hub: "history-of-resident", pages: "health,pprof", stay: "8"},
	{hub: "healthy", pages: "health,metrics,pprof", pid: true, stay: "8", sample: true},
	{hub: "bounded-cache", pages: "health,pprof", sample: true},
	{hub: "pool", pages: "health,pprof"},
	{hub: "lazy-map", pages: "metrics,pprof"},
	{hub: "sawtooth", pages: "health"},
	{hub: "released-later", pages: "health"},
}

func TestCalibrate(t *testing.T) {
	which := os.Getenv(calibrateVariable)
	if which == "" {
		t.Skip("make calibrate runs it")
	}
	rounds, _ := strconv.Atoi(cmp.Or(os.Getenv(roundsVariable), "1"))
	program := buildLeakyHub(t)
	rows := make(chan row, len(calibrations)*max(1, rounds))
	t.Run("hubs", func(t *testing.T) {
		for _, c := range calibrations {
			if which != "all" && !slices.Contains(strings.Split(which, ","), c.hub) && (which != "sample" || !c.sample) {
				continue
			}
			n := 1
			if c.want == "" {
				n = max(1, rounds)
			}
			for i := range n {
				t.Run(fmt.Sprintf("%s-%d", c.hub, i), func(t *testing.T) {
					t.Parallel()
					rows <- c.check(t, program, uint64(1000+i))
				})
			}
		}
	})
	close(rows)
	writeCalibration(t, rows)
}

func buildLeakyHub(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "leakyhubs")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../testdata/leakyhubs").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return program
}

// plan is the check in small, or as long as the hub needs.
func (c *calibration) plan(t *testing.T, seed uint64) plan.Plan {
	t.Helper()
	p, err := PlanOf("check")
	pairs := "6"
	if c.peers >= small { // small leaks take many blocks rather than large ones
		pairs = "14"
	}
	limit := 15 * time.Minute // a check ends by itself, after minutes on a slow machine
	if c.want == undecided {
		limit = 4 * time.Minute
	}
	if err == nil {
		p.Seed = seed
		p, err = With(p, plan.Phase{Peers: cmp.Or(c.peers, short), Rate: 300, Networks: 3, Duration: limit, Params: map[string]string{
			"stay": "60ms", "vanish": "1700ms", "pairs": pairs, "off": "0s", "confirm": "3s", residentsParam: cmp.Or(c.stay, "0"), roughParam: string(RoughNo),
		}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// check runs the check and says whether the verdict is right.
func (c *calibration) check(t *testing.T, program string, seed uint64) row {
	t.Helper()
	url, pid := startLeakyHub(t, program, c.hub, c.pages)
	cfg := Config{URL: url, Plan: c.plan(t, seed)}
	if c.pid {
		cfg.PID = pid
	}
	begin := time.Now()
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := row{calibration: c, verdict: r.Verdict, seed: seed, took: time.Since(begin)}
	w.right = c.right(&r.Verdict)
	if !w.right {
		t.Errorf("the verdict is wrong\n%s", evidenceOf(&r))
	}
	return w
}

// right reports whether a verdict is: each leak is of the scenario that leaks, and one
// of them tells what it is. A healthy hub may leave the verdict unsure; a leak it must
// not be.
func (c *calibration) right(v *verdict.Verdict) bool {
	if len(v.Invalid)+len(v.Failures) > 0 {
		return false
	}
	switch c.want {
	case "":
		return len(v.Leaks) == 0
	case undecided:
		return v.Outcome == verdict.Inconclusive || len(v.Leaks) == 1
	}
	told := false
	for i := range v.Leaks {
		l := &v.Leaks[i]
		if c.want != "any" && sourceOf(l) != c.want {
			return false
		}
		what := fmt.Sprint(l.Field, l.Born, l.Caller)
		for _, e := range l.Evidence {
			what += fmt.Sprint(e.Field, e.Born, e.Detector)
		}
		told = told || strings.Contains(what, c.seen)
	}
	return told
}

// sourceOf is the scenarios that a leak comes from, in alphabetical order.
func sourceOf(l *verdict.Leak) string {
	if l.Source.Every {
		return "every"
	}
	var names []string
	for _, s := range l.Source.Shares {
		names = append(names, s.Scenario)
	}
	if len(names) == 0 {
		return "unknown"
	}
	return strings.Join(slices.Sorted(slices.Values(names)), " and ")
}

// startLeakyHub starts a hub, which ends with the test.
func startLeakyHub(t *testing.T, program, hub, pages string) (url string, pid int) {
	t.Helper()
	return startProcess(t, exec.Command(program, "--hub", hub, "--pages", pages))
}

// startProcess starts a server that prints its URL, and that ends with its standard input.
func startProcess(t *testing.T, cmd *exec.Cmd) (url string, pid int) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the server does not start: %v", err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid
}

// A verdict that names the wrong scenario, or a leak where there is none, is not right:
// the calibration itself can fail.
func TestCalibrationCanFail(t *testing.T) {
	t.Parallel()
	rst := verdict.Leak{Field: "health.peers", Source: verdict.Attribution{Solved: true, Shares: []verdict.Share{{Scenario: "rst", PerPeer: 1}}}}
	leaking, clean := verdict.Verdict{Leaks: []verdict.Leak{rst}}, verdict.Verdict{}
	of := func(want, seen string) *calibration { return &calibration{want: want, seen: seen} }
	if !of("rst", "health.peers").right(&leaking) || !of("", "").right(&clean) {
		t.Error("what is right is not")
	}
	for name, wrong := range map[string]bool{
		"another scenario": of("vanish", "health.peers").right(&leaking), "another thing": of("rst", "goroutines").right(&leaking),
		"a false alarm": of("", "").right(&leaking), "a miss": of("rst", "").right(&clean),
		"invalid": of("", "").right(&verdict.Verdict{Invalid: []verdict.Reason{{What: "x"}}}),
	} {
		if wrong {
			t.Errorf("%s counts as right", name)
		}
	}
}
