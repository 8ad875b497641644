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

// TestAlarms runs the quick specs PIGEONHUB_ALARMS times on the hub as it is, which does
// not leak: with and without the race detector, on one processor and two, alone with
// another run and beside a busy loop, with seeds of their own. It is make alarms. Each run
// that does not pass fails it, and leaves its report in regress-report/alarms; so does the
// table of all.
func TestAlarms(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("PIGEONHUB_ALARMS"))
	if n <= 0 {
		t.Skip("PIGEONHUB_ALARMS is not the number of runs: see make alarms")
	}
	a := &alarms{dir: filepath.Join("..", reportDir, "alarms"), binaries: map[bool]string{}, ran: map[alarmCase][]string{}}
	if err := os.MkdirAll(a.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, race := range []bool{false, true} {
		a.binaries[race] = buildSuite(t, race)
	}
	someAtOnce(n, func(i int) {
		if t.Context().Err() == nil {
			a.note(t, a.run(t, i))
		}
	})
	t.Logf("\n%s", a.table())
}

// alarmCase is what a run is made under.
type alarmCase struct {
	race  bool
	procs int
	hog   bool
}

func (c alarmCase) String() string {
	words := []string{fmt.Sprintf("GOMAXPROCS=%d", c.procs)}
	if c.race {
		words = append(words, "-race")
	}
	if c.hog {
		words = append(words, "beside a busy loop")
	}
	return strings.Join(words, ", ")
}

// caseOf is the case of a run: every fourth has the race detector, which takes four times
// as long, every second two processors, every fourth a busy loop.
func caseOf(run int) alarmCase {
	return alarmCase{race: run%4 == 3, procs: 1 + run/4%2, hog: run/8%4 == 3}
}

// alarms are runs of the suite and what came of them.
type alarms struct {
	dir      string
	binaries map[bool]string // with the race detector or without

	mu  sync.Mutex
	ran map[alarmCase][]string // outcomes
}

// buildSuite builds this package's tests.
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
	outcome string // pass, or what else it said
	took    time.Duration
}

func (a *alarms) run(t *testing.T, number int) alarmRun {
	r := alarmRun{number: number, is: caseOf(number), seed: int(time.Now().UnixNano() % 1e9)}
	reports := filepath.Join(a.dir, fmt.Sprint(number))
	cmd := exec.CommandContext(t.Context(), a.binaries[r.is.race], "-test.run", "^TestRegress$", "-test.timeout", "5m", "-ginkgo.label-filter", "quick || wide",
		"-ginkgo.randomize-all", "-ginkgo.seed", fmt.Sprint(r.seed), "-ginkgo.no-color", "-ginkgo.vv")
	cmd.Env = append(os.Environ(), "PIGEONHUB_ALARMS=", "PIGEONHUB_REPORT="+reports, "GOMAXPROCS="+fmt.Sprint(r.is.procs), "GITHUB_STEP_SUMMARY=")
	if r.is.hog {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		if err := startHog(ctx, a.binaries[false]); err != nil {
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

// outcomeOf is what a run says of the hub, the worst of its verdicts first.
func outcomeOf(reports string, failed error) string {
	verdicts, err := readVerdicts(reports)
	worst := slices.MaxFunc(append(verdicts, verdict.Verdict{Outcome: verdict.Pass}), func(a, b verdict.Verdict) int {
		return cmp.Compare(badness(a.Outcome), badness(b.Outcome))
	})
	switch {
	case worst.Outcome != verdict.Pass:
		return string(worst.Outcome)
	case failed != nil || err != nil:
		return fmt.Sprintf("failed: %v", errors.Join(failed, err))
	}
	return "pass"
}

func badness(o verdict.Outcome) int {
	return slices.Index([]verdict.Outcome{verdict.Pass, verdict.Inconclusive, verdict.Invalid, verdict.Failed, verdict.Leaking}, o)
}

// note keeps what came of a run, and the table so far: a long run may be cut short.
func (a *alarms) note(t *testing.T, r alarmRun) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ran[r.is] = append(a.ran[r.is], r.outcome)
	word := fmt.Sprintf("run %d, %s, seed %d: %s (%s)", r.number, r.is, r.seed, r.outcome, r.took.Round(time.Second))
	t.Log(word)
	if r.outcome != "pass" {
		t.Errorf("run %d did not pass: %s/%d.txt", r.number, a.dir, r.number)
	}
	if err := os.WriteFile(filepath.Join("..", reportDir, "alarms.md"), []byte(a.table()), 0o644); err != nil {
		t.Error(err)
	}
}

// table is what came of the runs, as Markdown.
func (a *alarms) table() string {
	var b strings.Builder
	b.WriteString("| quick runs of a hub that does not leak | runs | passed | said to leak | else |\n| --- | --- | --- | --- | --- |\n")
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
	for run := range 32 { // after which the cases come again
		c := caseOf(run)
		if outcomes := a.ran[c]; len(outcomes) > 0 && !strings.Contains(b.String(), "| "+c.String()+" |") {
			row(c.String(), outcomes)
			all = append(all, outcomes...)
		}
	}
	row("all", all)
	return b.String()
}

// hogEnv has a process of this binary be a busy loop.
const hogEnv = "PIGEONHUB_HOG"

// startHog starts a busy loop in a process of its own, which ends with the context, or
// with this process.
func startHog(ctx context.Context, binary string) error {
	hog := exec.CommandContext(ctx, binary, "-test.run", "^TestHog$")
	hog.Env = append(os.Environ(), hogEnv+"=1")
	in, err := hog.StdinPipe()
	if err != nil {
		return err
	}
	if err := hog.Start(); err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		in.Close()
		_ = hog.Wait() // it was killed
	}()
	return nil
}

// TestHog is that busy loop.
func TestHog(t *testing.T) {
	if os.Getenv(hogEnv) == "" {
		t.Skip("this is for make alarms")
	}
	var over atomic.Bool
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadByte() // until there is nobody any more
		over.Store(true)
	}()
	for !over.Load() {
	}
}
