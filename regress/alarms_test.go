package regress_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// TestAlarms measures how often the suite reports a leak that does not exist. It runs the quick
// and wide specs PIGEONHUB_ALARMS times on the unchanged hub: with and without the race
// detector, on one processor and two, beside a busy loop or not, each with another seed. Each
// run that does not pass fails the test and leaves its report in regress-report/alarms. make
// alarms runs it.
func TestAlarms(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("PIGEONHUB_ALARMS"))
	if n <= 0 {
		t.Skip("PIGEONHUB_ALARMS is not set to a number of runs: see make alarms")
	}
	a := &alarms{dir: filepath.Join("..", reportDir, "alarms"), binaries: map[bool]string{}, ran: map[alarmCase][]string{}}
	if err := os.MkdirAll(a.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, race := range []bool{false, true} {
		a.binaries[race] = buildSuite(t, race)
	}
	runConcurrently(n, func(i int) {
		if t.Context().Err() == nil {
			a.record(t, a.run(t, i))
		}
	})
	t.Logf("\n%s", a.table())
}

// alarmCase holds the conditions of a run.
type alarmCase struct {
	race  bool
	procs int
	busy  bool // beside a busy loop
}

func (c alarmCase) String() string {
	words := []string{fmt.Sprintf("GOMAXPROCS=%d", c.procs)}
	if c.race {
		words = append(words, "-race")
	}
	if c.busy {
		words = append(words, "beside a busy loop")
	}
	return strings.Join(words, ", ")
}

// caseOf returns the conditions of a run. A quarter of the runs have the race detector, which
// makes them four times as long, half have two processors, a quarter a busy loop.
func caseOf(run int) alarmCase {
	return alarmCase{race: run%4 == 3, procs: 1 + run/4%2, busy: run/8%4 == 3}
}

// alarms are runs of the suite and their outcomes.
type alarms struct {
	dir      string
	binaries map[bool]string // paths; true: with the race detector

	mu  sync.Mutex
	ran map[alarmCase][]string // outcomes
}

// buildSuite builds the test binary of this package and returns its path.
func buildSuite(t *testing.T, race bool) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "regress.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-race="+strconv.FormatBool(race), "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// alarmRun is one run that has ended.
type alarmRun struct {
	number  int
	is      alarmCase
	seed    int
	outcome string // pass, another outcome of a verdict, or "failed: " and the error
	took    time.Duration
}

func (a *alarms) run(t *testing.T, number int) alarmRun {
	r := alarmRun{number: number, is: caseOf(number), seed: int(time.Now().UnixNano() % 1e9)}
	reports := filepath.Join(a.dir, fmt.Sprint(number))
	cmd := exec.CommandContext(t.Context(), a.binaries[r.is.race], "-test.run", "^TestRegress$", "-test.timeout", "5m", "-ginkgo.label-filter", "quick || wide",
		"-ginkgo.randomize-all", "-ginkgo.seed", fmt.Sprint(r.seed), "-ginkgo.no-color", "-ginkgo.vv")
	cmd.Env = append(os.Environ(), "PIGEONHUB_ALARMS=", "PIGEONHUB_REPORT="+reports, "GOMAXPROCS="+fmt.Sprint(r.is.procs), "GITHUB_STEP_SUMMARY=")
	if r.is.busy {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		if err := startBusyLoop(ctx, a.binaries[false]); err != nil {
			t.Error(err)
		}
	}
	began := time.Now()
	out, err := cmd.CombinedOutput()
	r.took = time.Since(began)
	r.outcome = outcomeOf(reports, err)
	if r.outcome == "pass" {
		err = os.RemoveAll(reports)
	} else {
		err = os.WriteFile(filepath.Join(a.dir, fmt.Sprint(number)+".txt"), out, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
	return r
}

// outcomeOf returns the worst outcome among the verdicts of a run.
func outcomeOf(reports string, failed error) string {
	verdicts, err := readVerdicts(reports)
	worst := slices.MaxFunc(append(verdicts, verdict.Verdict{Outcome: verdict.Pass}), func(a, b verdict.Verdict) int {
		return cmp.Compare(severity(a.Outcome), severity(b.Outcome))
	})
	switch {
	case worst.Outcome != verdict.Pass:
		return string(worst.Outcome)
	case failed != nil || err != nil:
		return fmt.Sprintf("failed: %v", errors.Join(failed, err))
	}
	return "pass"
}

func severity(o verdict.Outcome) int {
	return slices.Index([]verdict.Outcome{verdict.Pass, verdict.Inconclusive, verdict.Invalid, verdict.Failed, verdict.Leaking}, o)
}

// record adds a run and writes the table so far, because a long series may be interrupted.
func (a *alarms) record(t *testing.T, r alarmRun) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ran[r.is] = append(a.ran[r.is], r.outcome)
	t.Logf("run %d, %s, seed %d: %s (%s)", r.number, r.is, r.seed, r.outcome, r.took.Round(time.Second))
	if r.outcome != "pass" {
		t.Errorf("run %d did not pass: %s/%d.txt", r.number, a.dir, r.number)
	}
	if err := os.WriteFile(filepath.Join("..", reportDir, "alarms.md"), []byte(a.table()), 0o644); err != nil {
		t.Error(err)
	}
}

// table returns the outcomes of the runs by their conditions, as Markdown.
func (a *alarms) table() string {
	var b strings.Builder
	b.WriteString("| conditions of the runs | runs | passed | reported a leak | other outcomes |\n| --- | --- | --- | --- | --- |\n")
	var all []string
	row := func(name string, outcomes []string) {
		var passed, leaks int
		var others []string
		for _, o := range outcomes {
			switch o {
			case "pass":
				passed++
			case string(verdict.Leaking):
				leaks++
			default:
				others = append(others, o)
			}
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %s |\n", name, len(outcomes), passed, leaks, strings.Join(others, ", "))
	}
	for run := range 32 { // the cases repeat after 32 runs
		c := caseOf(run)
		if outcomes := a.ran[c]; len(outcomes) > 0 && !strings.Contains(b.String(), "| "+c.String()+" |") {
			row(c.String(), outcomes)
			all = append(all, outcomes...)
		}
	}
	row("all", all)
	return b.String()
}

// busyEnv makes TestBusyLoop run in a child process.
const busyEnv = "PIGEONHUB_BUSY_LOOP"

// startBusyLoop starts a busy loop in a child process, which ends with ctx or with this process.
func startBusyLoop(ctx context.Context, binary string) error {
	loop := exec.CommandContext(ctx, binary, "-test.run", "^TestBusyLoop$")
	loop.Env = append(os.Environ(), busyEnv+"=1")
	in, err := loop.StdinPipe()
	if err != nil {
		return err
	}
	if err := loop.Start(); err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		in.Close()
		_ = loop.Wait() // it was killed
	}()
	return nil
}

// TestBusyLoop occupies a processor until its standard input ends.
func TestBusyLoop(t *testing.T) {
	if os.Getenv(busyEnv) == "" {
		t.Skip("make alarms runs it in a child process")
	}
	var over atomic.Bool
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadByte() // returns when the parent process ends
		over.Store(true)
	}()
	for !over.Load() {
	}
}
