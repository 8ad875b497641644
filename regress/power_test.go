package regress_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// TestPower measures what the suite catches: it builds the hub with each mutant in
// turn, has the quick specs run against it, and writes the table. It is make power.
// PIGEONHUB_POWER says which: all, sample (some of each chapter), or names with a
// comma between. PIGEONHUB_POWER_PARTS may leave out some of suite, witness and
// baselines, PIGEONHUB_POWER_KEEP name a folder for what the suite prints and reports.
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

// powerAtOnce is how many mutants are measured at a time: much of it is waiting.
const powerAtOnce = 2

func measureAll(t *testing.T, mutants []*mutant) []powerResult {
	t.Helper()
	var mu sync.Mutex
	var results []powerResult
	someAtOnce(len(mutants), func(i int) {
		began := time.Now()
		row := measure(t, mutants[i])
		mu.Lock()
		defer mu.Unlock()
		results = append(results, row.kept())
		t.Logf("%d of %d, %s: %s (%s)", len(results), len(mutants), row.m.name, row.result(), time.Since(began).Round(time.Second))
		if err := keepPower(row.kept()); err != nil { // at once: a long run may be cut short
			t.Error(err)
		}
	})
	return results
}

// someAtOnce does n things, powerAtOnce of them at a time, and returns when all are done.
func someAtOnce(n int, do func(i int)) {
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

// chooseMutants returns the mutants and controls of a selection.
func chooseMutants(which string) ([]*mutant, error) {
	leaks, err := loadMutants(mutantsDir)
	if err != nil {
		return nil, err
	}
	benign, err := loadMutants(benignDir)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(leaks, benign)
	switch which {
	case "all":
		return all, nil
	case "sample":
		return sampleOf(all), nil
	}
	var chosen []*mutant
	for name := range strings.SplitSeq(which, ",") {
		m, err := findMutant(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, m)
	}
	return chosen, nil
}

// sampleOf returns one of each chapter of the catalogue, of those that are rare and of
// those that Shutdown leaves, the one in the middle; and all controls, many at a time.
func sampleOf(all []*mutant) []*mutant {
	chapters := map[string][]*mutant{}
	var benign []*mutant
	for _, m := range all {
		if m.benign {
			benign = append(benign, m)
			continue
		}
		chapter := strings.TrimRight(strings.SplitN(m.name, "-", 2)[0], "0123456789")
		chapters[chapter] = append(chapters[chapter], m)
	}
	var sample []*mutant
	for _, name := range slices.Sorted(maps.Keys(chapters)) {
		list := chapters[name]
		sample = append(sample, list[len(list)/2])
	}
	return append(sample, together(benign)...)
}

// together puts the controls into few hubs: into each as many as can be, since two that
// edit the same lines cannot. None of them may be reported, so neither may all at once.
func together(benign []*mutant) []*mutant {
	var groups []*mutant
	for _, m := range benign {
		placed := slices.ContainsFunc(groups, func(g *mutant) bool { return g.join(m) })
		if !placed {
			g := *m
			groups = append(groups, &g)
		}
	}
	return groups
}

// join adds the edits of a control to one, if they apply beside those that are there.
func (m *mutant) join(other *mutant) bool {
	if !m.benign || !other.benign {
		return false
	}
	both := mutant{name: m.name + "+" + other.name, benign: true, edits: slices.Concat(m.edits, other.edits)}
	if _, err := both.apply(); err != nil {
		return false
	}
	*m = both
	return true
}

// powerRow is what came of one mutant.
type powerRow struct {
	m         *mutant
	planted   *planted
	verdicts  []verdict.Verdict // of the specs; of those that leak, the first counts
	failed    string            // specs that failed in another way: what they printed last
	took      time.Duration     // of the quick specs
	witnessed *bool             // whether the independent check has seen it leak; nil if it was not asked
	baselines map[string]bool   // whether goleak, gleak, goroutineleak caught it
	errs      []string          // what could not be measured
}

// measure builds the mutant and runs everything against it. If the baselines are asked
// the binary is built with the goroutineleak profile, which they need.
func measure(t *testing.T, m *mutant) powerRow {
	t.Helper()
	row := powerRow{m: m, baselines: map[string]bool{}}
	dir := t.TempDir()
	var err error
	if row.planted, err = m.overlay(dir); err != nil {
		row.errs = append(row.errs, err.Error())
		return row
	}
	binary := filepath.Join(dir, "regress.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", row.planted.overlay, "-ldflags=-w=0", "-o", binary, ".")
	if powerPart("baselines") {
		build.Env = append(os.Environ(), "GOEXPERIMENT=goroutineleakprofile")
	}
	if out, err := build.CombinedOutput(); err != nil {
		row.errs = append(row.errs, fmt.Sprintf("it does not build: %v\n%s", err, out))
		return row
	}
	for part, measure := range map[string]func(){
		"suite": func() { row.quick(t, binary, dir) }, "witness": func() { row.witness(t, binary) }, "baselines": func() { row.baseline(t, binary) },
	} {
		if powerPart(part) {
			measure()
		}
	}
	if err := os.Remove(binary); err != nil { // 80 of them would fill the disk
		t.Error(err)
	}
	return row
}

// powerPart reports whether a part is to be measured.
func powerPart(part string) bool {
	parts := os.Getenv("PIGEONHUB_POWER_PARTS")
	return parts == "" || strings.Contains(parts, part)
}

// run runs the binary with a test selected, as a process of its own.
func (r *powerRow) run(t *testing.T, binary, test string, env ...string) ([]byte, error) {
	cmd := exec.CommandContext(t.Context(), binary, "-test.run", "^"+test+"$", "-test.timeout", "4m", "-test.v")
	cmd.Env = append(withoutPower(), env...)
	return cmd.CombinedOutput()
}

// withoutPower is the environment for the binaries, which are not to measure in
// their turn.
func withoutPower() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "PIGEONHUB_POWER=") })
}

// quick runs the quick specs of the suite.
func (r *powerRow) quick(t *testing.T, binary, dir string) {
	reports := filepath.Join(dir, "report")
	keep := os.Getenv("PIGEONHUB_POWER_KEEP")
	if keep != "" {
		reports = filepath.Join(keep, r.m.name)
	}
	cmd := exec.CommandContext(t.Context(), binary, "-test.run", "^TestRegress$", "-test.timeout", "4m", "-ginkgo.label-filter", "power", "-ginkgo.no-color")
	cmd.Env = append(withoutPower(), "PIGEONHUB_REPORT="+reports, "GOFLAGS=-overlay="+r.planted.overlay)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	r.took = time.Since(began)
	var found error
	if r.verdicts, found = readVerdicts(reports); found != nil {
		r.errs = append(r.errs, found.Error())
	}
	leaking := slices.ContainsFunc(r.verdicts, func(v verdict.Verdict) bool { return v.Outcome == verdict.Leaking })
	if err != nil && !leaking {
		r.failed = lastLines(out, 40)
	}
	if keep != "" {
		if err := os.WriteFile(filepath.Join(keep, r.m.name+".txt"), out, 0o600); err != nil {
			t.Error(err)
		}
	}
}

func lastLines(out []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// readVerdicts reads the reports of a run, in the order in which they were made.
func readVerdicts(dir string) ([]verdict.Verdict, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "verdict.json"))
	if err != nil {
		return nil, err
	}
	more, err := filepath.Glob(filepath.Join(dir, "*", "verdict.json"))
	if err != nil {
		return nil, err
	}
	var list []verdict.Verdict
	for _, p := range append(paths, more...) {
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
		return nil, errors.New("no verdict was written")
	}
	// The specs run in any order. The one that counts every object tells most.
	slices.SortStableFunc(list, func(a, b verdict.Verdict) int { return len(a.Run.Name) - len(b.Run.Name) })
	return list, nil
}

// witness has the independent check look.
func (r *powerRow) witness(t *testing.T, binary string) {
	out, err := r.run(t, binary, "TestWitness", "PIGEONHUB_MUTANT="+r.m.name)
	leaks := err == nil
	if r.witnessed = &leaks; err != nil {
		r.errs = append(r.errs, "witness: "+lastLines(out, 12))
	}
}

// baseline has the other detectors look.
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
