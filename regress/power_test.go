package regress_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// TestPower measures what the suite catches. It builds the hub with each mutant in turn, runs
// the specs labelled power on it, and writes the table. make power runs it. PIGEONHUB_POWER
// selects the mutants: all, samples (one of each chapter), sample (a third of these, by the
// date), or names separated by commas.
// PIGEONHUB_POWER_PARTS selects among suite, witness and baselines, by default all.
// PIGEONHUB_POWER_KEEP names a folder that keeps the output and the reports of the specs.
func TestPower(t *testing.T) {
	which := os.Getenv("PIGEONHUB_POWER")
	if which == "" {
		t.Skip("PIGEONHUB_POWER is not set: see make power")
	}
	mutants, err := chooseMutants(which)
	if err != nil {
		t.Fatal(err)
	}
	results := measureAll(t, mutants)
	judgePower(t, results, which == "all")
}

// powerAtOnce is the number of mutants measured at a time. Much of the time is spent waiting.
const powerAtOnce = 2

// measureAll measures the mutants and returns their results.
func measureAll(t *testing.T, mutants []*mutant) []powerResult {
	t.Helper()
	var mu sync.Mutex
	var results []powerResult
	runConcurrently(len(mutants), func(i int) {
		began := time.Now()
		row := measure(t, mutants[i])
		mu.Lock()
		defer mu.Unlock()
		results = append(results, row.result())
		t.Logf("%d of %d, %s: %s (%s)", len(results), len(mutants), row.m.name, row.describe(), time.Since(began).Round(time.Second))
		if err := keepPower(row.result()); err != nil { // at once, because a long run may be interrupted
			t.Error(err)
		}
	})
	return results
}

// runConcurrently calls do for 0 to n-1, powerAtOnce calls at a time, and returns after all.
func runConcurrently(n int, do func(i int)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range powerAtOnce {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	wg.Wait()
}

// powerRow is the measurement of one mutant.
type powerRow struct {
	m         *mutant
	planted   *planted
	verdicts  []verdict.Verdict // of the specs; the first leak counts
	failed    string            // the last output of specs that failed without a leak
	took      time.Duration     // of the specs
	witnessed *bool             // whether the witness saw it leak; nil if the witness did not run
	baselines map[string]bool   // whether goleak, gleak, goroutineleak caught it
	errs      []string          // measurements that failed
}

// measure builds the suite with the mutant and runs the selected parts. For the baselines the
// binary has the goroutineleak profile.
func measure(t *testing.T, m *mutant) powerRow {
	t.Helper()
	row := powerRow{m: m, baselines: map[string]bool{}}
	dir := t.TempDir()
	var err error
	if row.planted, err = m.overlay(dir); err != nil {
		row.errs = append(row.errs, err.Error())
		return row
	}
	var experiments []string
	if measuresPart("baselines") && pprof.Lookup("goroutineleak") == nil { // Go 1.27 has it, and no experiment of that name
		experiments = []string{"GOEXPERIMENT=goroutineleakprofile"}
	}
	binary, err := row.planted.build(t.Context(), dir, experiments, "-ldflags=-w=0")
	if err != nil {
		row.errs = append(row.errs, err.Error())
		return row
	}
	for part, measure := range map[string]func(){
		"suite": func() { row.suite(t, binary, dir) }, "witness": func() { row.witness(t, binary) }, "baselines": func() { row.baseline(t, binary) },
	} {
		if measuresPart(part) {
			measure()
		}
	}
	if err := os.Remove(binary); err != nil { // a hundred of them would fill the disk
		t.Error(err)
	}
	return row
}

// measuresPart reports whether PIGEONHUB_POWER_PARTS selects a part.
func measuresPart(part string) bool {
	parts := os.Getenv("PIGEONHUB_POWER_PARTS")
	return parts == "" || strings.Contains(parts, part)
}

// run runs one test of the binary and returns its output.
func (r *powerRow) run(t *testing.T, binary, test string, env ...string) ([]byte, error) {
	cmd := exec.CommandContext(t.Context(), binary, "-test.run", "^"+test+"$", "-test.timeout", "4m", "-test.v")
	cmd.Env = append(envWithoutPower(), env...)
	return cmd.CombinedOutput()
}

// envWithoutPower returns the environment for child processes, which must not run TestPower.
func envWithoutPower() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "PIGEONHUB_POWER=") })
}

// powerPart is a part of the specs labelled power, run by itself.
type powerPart struct {
	name  string
	focus string // the flag of Ginkgo for exactSpec
}

// powerParts are run in this order. The first one says most about a leak.
var powerParts = []powerPart{{"objects", "-ginkgo.focus"}, {"others", "-ginkgo.skip"}}

// suite runs the specs labelled power and reads their verdicts. Once the first run has found a
// leak the others are not needed: its first leak is the one that counts.
func (r *powerRow) suite(t *testing.T, binary, dir string) {
	began := time.Now()
	defer func() { r.took = time.Since(began) }()
	for _, part := range powerParts {
		if r.specs(t, binary, dir, part); r.caught() {
			r.failed = ""
			return
		}
	}
}

// specs runs a part of the specs.
func (r *powerRow) specs(t *testing.T, binary, dir string, part powerPart) {
	reports := filepath.Join(dir, "report-"+part.name)
	keep := os.Getenv("PIGEONHUB_POWER_KEEP")
	if keep != "" {
		reports = filepath.Join(keep, r.m.name, part.name)
	}
	cmd := exec.CommandContext(t.Context(), binary, part.focus, exactSpec,
		"-test.run", "^TestRegress$", "-test.timeout", "4m", "-ginkgo.label-filter", "power", "-ginkgo.no-color")
	cmd.Env = append(envWithoutPower(), "PIGEONHUB_REPORT="+reports, "GOFLAGS=-overlay="+r.planted.overlay)
	out, err := cmd.CombinedOutput()
	verdicts, found := readVerdicts(reports)
	if found != nil {
		r.errs = append(r.errs, part.name+": "+found.Error())
	}
	if r.verdicts = append(r.verdicts, verdicts...); err != nil && !r.caught() {
		r.failed += lastLines(out, 40)
	}
	if keep != "" {
		if err := os.WriteFile(filepath.Join(keep, r.m.name+"-"+part.name+".txt"), out, 0o600); err != nil {
			t.Error(err)
		}
	}
}

func lastLines(out []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// readVerdicts reads the verdicts of a run. That of the spec that counts every object comes
// first.
func readVerdicts(dir string) ([]verdict.Verdict, error) {
	paths, err := filepath.Glob(filepath.Join(dir, runsDir, "*", "verdict.json"))
	if err != nil {
		return nil, err
	}
	var list []verdict.Verdict
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		var v verdict.Verdict
		if err := json.Unmarshal(b, &v); err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		list = append(list, v)
	}
	if len(list) == 0 {
		return nil, errors.New("the run wrote no verdict")
	}
	// The specs run in any order. The one that counts every object has the shortest name.
	slices.SortStableFunc(list, func(a, b verdict.Verdict) int { return len(a.Run.Name) - len(b.Run.Name) })
	return list, nil
}

// witness runs TestWitness on the mutant.
func (r *powerRow) witness(t *testing.T, binary string) {
	out, err := r.run(t, binary, "TestWitness", "PIGEONHUB_MUTANT="+r.m.name)
	leaks := err == nil
	if r.witnessed = &leaks; err != nil {
		r.errs = append(r.errs, "witness: "+lastLines(out, 12))
	}
}

// baseline runs TestBaselines on the mutant and reads its result.
func (r *powerRow) baseline(t *testing.T, binary string) {
	out, err := r.run(t, binary, "TestBaselines", "PIGEONHUB_MUTANT="+r.m.name)
	if err != nil {
		r.errs = append(r.errs, "baselines: "+lastLines(out, 12))
		return
	}
	for line := range strings.Lines(string(out)) {
		if _, text, ok := strings.Cut(line, baselineMark); ok {
			if err := json.Unmarshal([]byte(text), &r.baselines); err != nil {
				r.errs = append(r.errs, "baselines: "+err.Error())
			}
		}
	}
}
