package regress_test

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/mutate"
	"github.com/pigeonhub/pigeonhub/harness/mutate/site"
)

// generatedPackages are the packages that mutants are generated from.
var generatedPackages = []string{"./hub", "./hub/wire", "./hub/admin", "./cmd/pigeonhub"}

// TestGenerated measures how many generated leaks the specs that CI runs catch: see package
// mutate. make generated runs it. PIGEONHUB_GENERATED is the number of leaking mutants to draw,
// or all, or names separated by commas. PIGEONHUB_GENERATED_SEED seeds the draw, by default with
// the date. After PIGEONHUB_GENERATED_FOR no further mutant is begun. Results of an earlier run
// in regress-report/generated are used again.
func TestGenerated(t *testing.T) {
	which := os.Getenv("PIGEONHUB_GENERATED")
	if which == "" {
		t.Skip("PIGEONHUB_GENERATED is not set: see make generated")
	}
	g := newGenerated(t)
	g.reach = g.measureReach(t)
	g.logReach(t)
	order, most := g.draw(t, which)
	if most > manyGenerated {
		g.countSuiteReach(t)
	}
	g.measure(t, order, most)
	g.report(t)
}

// manyGenerated is the number of mutants above which countSuiteReach is worth its time.
const manyGenerated = 20

// generated is the measurement of generated mutants.
type generated struct {
	dir         string
	binary, hub string // paths of the suite and the hub, with all mutants
	mutants     []mutate.Mutant
	overlay     *mutate.Overlay
	reach       *reach
	suiteReach  []site.Count // nil if it was not counted

	mu      sync.Mutex
	results []mutate.Result
	leaking int // mutants measured or begun that the witness has not set aside
	end     time.Time
}

// newGenerated builds the suite and the hub with all mutants in them.
func newGenerated(t *testing.T) *generated {
	t.Helper()
	p, err := mutate.Load(moduleRoot, generatedPackages...)
	if err != nil {
		t.Fatal(err)
	}
	g := &generated{dir: t.TempDir()}
	g.mutants, g.overlay = p.Mutants()
	file, err := g.overlay.Write(filepath.Join(g.dir, "overlay"))
	if err != nil {
		t.Fatal(err)
	}
	g.binary = filepath.Join(g.dir, "regress.test")
	g.hub = filepath.Join(g.dir, "pigeonhub")
	for _, args := range [][]string{
		{"test", "-c", "-overlay", file, "-ldflags=-w=0", "-o", g.binary, "."},
		{"build", "-overlay", file, "-o", g.hub, "../cmd/pigeonhub"},
	} {
		if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
			t.Fatalf("the hub with all mutants does not build: %v\n%s", err, out)
		}
	}
	limit, err := time.ParseDuration(cmp.Or(os.Getenv("PIGEONHUB_GENERATED_FOR"), "24h"))
	if err != nil {
		t.Fatal(err)
	}
	g.end = time.Now().Add(limit)
	return g
}

// draw returns the mutants in the order of measurement, and the number of leaking ones to
// measure.
func (g *generated) draw(t *testing.T, which string) (order []mutate.Mutant, most int) {
	t.Helper()
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("PIGEONHUB_GENERATED_SEED"), time.Now().UTC().Format("20060102")), 10, 64)
	if err != nil {
		t.Fatalf("PIGEONHUB_GENERATED_SEED: %v", err)
	}
	most, err = strconv.Atoi(which)
	switch {
	case err == nil:
	case which == "all":
		most = len(g.mutants)
	default:
		names := strings.Split(which, ",")
		order = slices.DeleteFunc(slices.Clone(g.mutants), func(m mutate.Mutant) bool { return !slices.Contains(names, m.ID) })
		return order, len(order)
	}
	t.Logf("%d mutants, seed %d", len(g.mutants), seed)
	order = slices.Clone(g.mutants)
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order, most
}

// measure examines mutants until most leaking ones are measured or g.end has passed.
func (g *generated) measure(t *testing.T, order []mutate.Mutant, most int) {
	t.Helper()
	runConcurrently(len(order), func(i int) {
		if time.Now().After(g.end) || !g.begin(most) {
			return
		}
		began := time.Now()
		r, stored := g.stored(order[i])
		if !stored {
			r = g.examine(t, order[i])
			r.Seconds = time.Since(began).Seconds()
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.results = append(g.results, r)
		if r.Aside != "" {
			g.leaking--
		}
		if stored {
			return
		}
		t.Logf("%s (%s %s %s): %s (%.0f s)", r.ID, r.Operator, r.Kind, r.Mode, summarize(r), r.Seconds)
		if err := keepGenerated(r); err != nil {
			t.Error(err)
		}
	})
}

// begin reports whether another mutant is to be examined, and counts it as leaking until the
// witness sets it aside.
func (g *generated) begin(most int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.leaking >= most {
		return false
	}
	g.leaking++
	return true
}

// summarize returns the result in one line, for the log.
func summarize(r mutate.Result) string {
	switch {
	case r.Aside != "":
		return "set aside: " + r.Aside
	case !r.Caught:
		return "MISSED " + lastLines([]byte(r.Failed), 1)
	}
	return fmt.Sprintf("caught, function %s line %s field %s scenario %s", r.RightFunction, r.RightLine, r.RightField, r.RightScenario)
}

// examine runs the witness on a mutant and, if it leaks, the suite.
func (g *generated) examine(t *testing.T, m mutate.Mutant) mutate.Result {
	r := mutate.Result{Mutant: m, Scenarios: g.reach.lives[m.Number]}
	if m.Operator == mutate.Keep {
		r.Witness, r.Aside = g.reach.keeps(m)
	} else {
		r.Witness, r.Aside = g.drops(t, m)
	}
	if r.Aside != "" {
		return r
	}
	if g.suiteReach != nil && g.suiteReach[m.Number].Reached == 0 {
		r.Failed = notRun
		return r
	}
	// A part runs only if those before it pass.
	for _, args := range suiteParts {
		if g.suite(t, &r, args); r.Caught || r.Failed != "" {
			return r
		}
	}
	return r
}

const notRun = "the suite does not run its code"

// suiteParts are the arguments of the runs of the suite. Each run has a process and a time limit of
// its own, so that specs that a mutant makes slow cannot take the time of exactSpec.
var suiteParts = [][]string{
	{"-test.run", "^TestRegress$", "-ginkgo.label-filter", wholeSuite, "-ginkgo.focus", exactSpec},
	{"-test.run", "^TestRegress$", "-ginkgo.label-filter", wholeSuite, "-ginkgo.focus", edgeSpecs},
	{"-test.run", "^(TestRegress|TestThirtyDays)$", "-ginkgo.label-filter", wholeSuite, "-ginkgo.skip", exactSpec + "|" + edgeSpecs, "-ginkgo.fail-fast"},
}

// countSuiteReach counts how often the suite runs the code of each mutant. The suite need not
// run for a mutant whose code it does not run.
func (g *generated) countSuiteReach(t *testing.T) {
	t.Helper()
	sum := fnv.New64a()
	for _, m := range g.mutants {
		fmt.Fprintln(sum, m)
	}
	file := filepath.Join(generatedResults(), fmt.Sprintf("%x.counts", sum.Sum64()))
	if _, err := os.Stat(file); err == nil { // from an earlier run
		g.suiteReach = g.counts(t, file)
		return
	}
	if err := os.MkdirAll(generatedResults(), 0o755); err != nil {
		t.Fatal(err)
	}
	part, err := filepath.Abs(file + ".part")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range suiteParts {
		if out, err := g.suiteRun(t, args).CombinedOutput(); err != nil {
			t.Errorf("the suite fails on the hub without a mutant: %v\n%s", err, lastLines(out, 40))
		}
		// The verdict of this run is ignored, because counting retains a little memory.
		_ = g.suiteRun(t, args, site.EnvCounts+"="+part).Run()
	}
	if err := os.Rename(part, file); err != nil {
		t.Fatal(err)
	}
	g.suiteReach = g.counts(t, file)
}

// suite runs a part of the suite with the mutant switched on, and judges its verdicts.
func (g *generated) suite(t *testing.T, r *mutate.Result, args []string) {
	dir := filepath.Join(g.dir, fmt.Sprint("suite-", r.Number))
	sources, err := g.overlay.WriteOne(filepath.Join(dir, "sources"), r.Mutant)
	if err != nil {
		t.Error(err)
		return
	}
	reports := filepath.Join(dir, "report")
	defer os.RemoveAll(dir)
	cmd := exec.CommandContext(t.Context(), g.binary, append(slices.Clone(args), "-test.timeout", "6m", "-ginkgo.no-color")...)
	cmd.Env = append(envWithoutGenerated(), g.overlay.Env(r.Mutant), "PIGEONHUB_REPORT="+reports, "PIGEONHUB_PROGRAM="+g.hub, "GOFLAGS=-overlay="+sources)
	out, failed := cmd.CombinedOutput()
	verdicts, _ := readVerdicts(reports) // none if the specs crash
	if r.Judge(verdicts); !r.Caught && r.Failed == "" && failed != nil {
		r.Failed = lastLines(out, 40)
	}
}

// suiteRun returns the command for a part of the suite with no mutant switched on.
func (g *generated) suiteRun(t *testing.T, args []string, env ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), g.binary, append(slices.Clone(args), "-test.timeout", "10m", "-ginkgo.no-color")...)
	cmd.Env = append(append(envWithoutGenerated(), "PIGEONHUB_REPORT="+filepath.Join(g.dir, "suite-report"), "PIGEONHUB_PROGRAM="+g.hub), env...)
	return cmd
}
