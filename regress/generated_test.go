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

// generatedPackages are those that mutants are generated of.
var generatedPackages = []string{"./hub", "./hub/wire", "./hub/admin", "./cmd/pigeonhub"}

// TestGenerated measures what the suite that CI runs catches of leaks that nobody chose: see
// package mutate. It is make generated. PIGEONHUB_GENERATED says how many are drawn that
// leak, or all, or names with a comma between; PIGEONHUB_GENERATED_SEED which, by default
// the date; PIGEONHUB_GENERATED_FOR after how long no more are begun. What is in
// regress-report/generated from a run before is not measured again.
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
		g.measureSuiteReach(t)
	}
	g.measure(t, order, most)
	g.report(t)
}

// manyGenerated is from how many mutants on the suite is run once only to count.
const manyGenerated = 20

// generated is one measurement.
type generated struct {
	dir         string
	binary, hub string // the suite and the hub, with all mutants
	mutants     []mutate.Mutant
	overlay     *mutate.Overlay
	reach       *reach
	suiteReach  []site.Count // nil if it was not measured

	mu      sync.Mutex
	results []mutate.Result
	leaking int // results, and what is under way, that the witness did not set aside
	end     time.Time
}

// newGenerated builds the suite with all mutants in it.
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

// draw returns the mutants in the order in which they are measured, and how many of those
// that leak are enough.
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

// measure goes through the mutants until enough that leak are measured or time is over.
func (g *generated) measure(t *testing.T, order []mutate.Mutant, most int) {
	t.Helper()
	someAtOnce(len(order), func(i int) {
		if time.Now().After(g.end) || !g.begin(most) {
			return
		}
		began := time.Now()
		r, known := g.known(order[i])
		if !known {
			r = g.one(t, order[i])
			r.Seconds = time.Since(began).Seconds()
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.results = append(g.results, r)
		if r.Aside != "" {
			g.leaking--
		}
		if known {
			return
		}
		t.Logf("%s (%s %s %s): %s (%.0f s)", r.ID, r.Operator, r.Kind, r.Mode, said(r), r.Seconds)
		if err := keepGenerated(r); err != nil {
			t.Error(err)
		}
	})
}

// begin counts one more that may leak, or reports that there are enough.
func (g *generated) begin(most int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.leaking >= most {
		return false
	}
	g.leaking++
	return true
}

func said(r mutate.Result) string {
	switch {
	case r.Aside != "":
		return "set aside: " + r.Aside
	case !r.Caught:
		return "MISSED " + lastLines([]byte(r.Failed), 1)
	}
	return fmt.Sprintf("caught, function %s line %s field %s scenario %s", r.RightFunction, r.RightLine, r.RightField, r.RightScenario)
}

// one has the witness look at a mutant and, if it leaks, the suite.
func (g *generated) one(t *testing.T, m mutate.Mutant) mutate.Result {
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
	// The spec that counts every object comes first, because it says most; the others, until
	// one fails, only if it is silent. All are as go test ./regress has them.
	for _, args := range suiteParts {
		if g.suite(t, &r, args); r.Caught || r.Failed != "" {
			return r
		}
	}
	return r
}

const notRun = "the suite does not run its code"

var suiteParts = [][]string{
	{"-test.run", "^TestRegress$", "-ginkgo.label-filter", wholeSuite, "-ginkgo.focus", exactSpecs},
	{"-test.run", "^(TestRegress|TestThirtyDays)$", "-ginkgo.label-filter", wholeSuite, "-ginkgo.skip", exactSpecs, "-ginkgo.fail-fast"},
}

// measureSuiteReach counts which code the suite runs: a leak in other code it cannot see,
// and need not be asked. It is worth its time if many are measured.
func (g *generated) measureSuiteReach(t *testing.T) {
	t.Helper()
	sum := fnv.New64a()
	for _, m := range g.mutants {
		fmt.Fprintln(sum, m)
	}
	file := filepath.Join(generatedResults(), fmt.Sprintf("%x.counts", sum.Sum64()))
	if _, err := os.Stat(file); err == nil { // a run before this one has it
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
			t.Errorf("the suite accuses the hub in which no mutant is on: %v\n%s", err, lastLines(out, 40))
		}
		// What it says while all are counted does not matter: the counting itself retains a little.
		_ = g.suiteRun(t, args, site.EnvCounts+"="+part).Run()
	}
	if err := os.Rename(part, file); err != nil {
		t.Fatal(err)
	}
	g.suiteReach = g.counts(t, file)
}

// suite runs a part of the suite with the mutant on.
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
	cmd.Env = append(withoutGenerated(), g.overlay.Env(r.Mutant), "PIGEONHUB_REPORT="+reports, "PIGEONHUB_PROGRAM="+g.hub, "GOFLAGS=-overlay="+sources)
	out, failed := cmd.CombinedOutput()
	verdicts, _ := readVerdicts(reports) // there is none if the specs crash
	if r.Judge(verdicts); !r.Caught && r.Failed == "" && failed != nil {
		r.Failed = lastLines(out, 40)
	}
}

// suiteRun is a run of a part of the suite in which no mutant is on.
func (g *generated) suiteRun(t *testing.T, args []string, env ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), g.binary, append(slices.Clone(args), "-test.timeout", "10m", "-ginkgo.no-color")...)
	cmd.Env = append(append(withoutGenerated(), "PIGEONHUB_REPORT="+filepath.Join(g.dir, "suite-report"), "PIGEONHUB_PROGRAM="+g.hub), env...)
	return cmd
}
