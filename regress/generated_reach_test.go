package regress_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/mutate"
	"github.com/pigeonhub/pigeonhub/harness/mutate/site"
)

// reach counts how often the lives of the witness run the code of each mutant, with no mutant
// switched on.
type reach struct {
	lives  map[int][]string // by the number of a mutant: the lives that run its code
	rounds [4][]site.Count  // counts after the warm-up and after each of three rounds
}

// measureReach runs each life alone, then rounds of all, and counts.
func (g *generated) measureReach(t *testing.T) *reach {
	t.Helper()
	dir := filepath.Join(g.dir, "reach")
	if out, err := g.witnessRun(t, dir, nil, 8, site.EnvCounts+"="+filepath.Join(dir, "counts")); err != nil {
		t.Fatalf("the witness fails on the hub without a mutant: %v\n%s", err, lastLines(out, 20))
	}
	r := &reach{lives: map[int][]string{}}
	before := g.counts(t, filepath.Join(dir, "life-"))
	for _, l := range (&generatedCrowd{}).lives() {
		now := g.counts(t, filepath.Join(dir, "life-"+l.name))
		for _, m := range g.mutants {
			if now[m.Number].Reached > before[m.Number].Reached {
				r.lives[m.Number] = append(r.lives[m.Number], l.name)
			}
		}
		before = now
	}
	for i := range r.rounds {
		r.rounds[i] = g.counts(t, filepath.Join(dir, fmt.Sprint("round-", i)))
	}
	g.addProgramReach(t, r)
	return r
}

// logReach logs for each package how many mutants have code that the lives of the witness run.
// Others are set aside.
func (g *generated) logReach(t *testing.T) {
	t.Helper()
	ran, of := map[string]int{}, map[string]int{}
	for _, m := range g.mutants {
		of[m.Package]++
		if g.reach.rounds[3][m.Number].Reached > 0 {
			ran[m.Package]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		t.Logf("%s: the witness runs the code of %d of %d mutants", name, ran[name], of[name])
	}
}

// counts reads the counts of all mutants from a file.
func (g *generated) counts(t *testing.T, file string) []site.Count {
	t.Helper()
	counts, err := site.Read(file, len(g.mutants))
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// keeps returns the growth of a keep mutant in the three rounds, or the reason why it is set
// aside.
func (r *reach) keeps(m mutate.Mutant) (witness, aside string) {
	var grown [3]int64
	reached := int64(0)
	for i := range grown {
		before, after := r.rounds[i][m.Number], r.rounds[i+1][m.Number]
		reached += after.Reached - before.Reached
		if grown[i] = after.Kept - before.Kept; m.Mode == mutate.Rare && m.Kind != mutate.Entry {
			grown[i] = after.Reached - before.Reached // it retains one in 50, perhaps none in so small a round
		}
	}
	switch {
	case r.rounds[3][m.Number].Reached == 0:
		return "", "its code did not run"
	case reached == 0:
		return "", "its code ran at the start only"
	case slices.Min(grown[:]) == 0:
		return "", "it does not grow in every round"
	}
	return fmt.Sprintf("%d, %d and, of twice as many lives, %d", grown[0], grown[1], grown[2]), ""
}

// drops runs the witness on a drop mutant, with the lives that run its code. It returns the
// growth, or the reason why the mutant is set aside.
func (g *generated) drops(t *testing.T, m mutate.Mutant) (witness, aside string) {
	lives := withoutOwnHubs(g.reach.lives[m.Number])
	if len(lives) == 0 {
		return "", "its code did not run"
	}
	if slices.Contains(lives, programLife) {
		return g.dropsInProgram(t, m)
	}
	dir := filepath.Join(g.dir, fmt.Sprint("witness-", m.Number))
	out, err := g.witnessRun(t, dir, lives, 48, g.overlay.Env(m))
	if err != nil {
		if strings.Contains(string(out), "panic: test timed out") || strings.Contains(err.Error(), "killed") {
			return "", "the hub hangs"
		}
		return "", "the hub crashes"
	}
	b, err := os.ReadFile(filepath.Join(dir, "witnessed.json"))
	var seen witnessed
	if err == nil {
		err = json.Unmarshal(b, &seen)
	}
	if err != nil {
		return "", "the witness failed: " + err.Error()
	}
	if witness, aside = grows(seen.Read); aside != "" && seen.Failed > 0.5 {
		aside = "the hub does not work"
	}
	return witness, aside
}

// grows returns the growth of the figure that leaks, or the reason why the mutant is set aside.
func grows(read []figures) (witness, aside string) {
	if witness = leaksBy(read); witness == "" {
		return "", "nothing grows"
	}
	return witness, ""
}

// withoutOwnHubs removes the lives that have a hub of their own, because a leak ends with its
// hub. It returns all names if no other life runs the code.
func withoutOwnHubs(names []string) []string {
	var kept []string
	for _, l := range (&generatedCrowd{}).lives() {
		if !l.ownHub && slices.Contains(names, l.name) {
			kept = append(kept, l.name)
		}
	}
	if len(kept) == 0 {
		return names
	}
	return kept
}

// witnessRun runs TestGeneratedWitness in a child process and returns its output.
func (g *generated) witnessRun(t *testing.T, dir string, lives []string, dose int, env string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), g.binary, "-test.run", "^TestGeneratedWitness$", "-test.timeout", "150s", "-test.v")
	cmd.Env = append(envWithoutGenerated(), generatedDir+"="+dir, generatedLives+"="+strings.Join(lives, ","), fmt.Sprint(generatedDose, "=", dose), env)
	return cmd.CombinedOutput()
}

// envWithoutGenerated returns the environment for child processes, which must not run
// TestGenerated or TestPower.
func envWithoutGenerated() []string {
	return slices.DeleteFunc(envWithoutPower(), func(e string) bool { return strings.HasPrefix(e, "PIGEONHUB_GENERATED") })
}
