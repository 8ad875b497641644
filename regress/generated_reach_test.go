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

// reach is which code the witness's lives run, counted in one run in which no mutant is on.
type reach struct {
	lives  map[int][]string // kinds of life that run the code of a mutant
	rounds [4][]site.Count
}

// measureReach has the lives come, first each kind alone.
func (g *generated) measureReach(t *testing.T) *reach {
	t.Helper()
	dir := filepath.Join(g.dir, "reach")
	if out, err := g.witnessRun(t, dir, nil, 8, site.EnvCounts+"="+filepath.Join(dir, "counts")); err != nil {
		t.Fatalf("the hub without a mutant: %v\n%s", err, lastLines(out, 20))
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
	g.reachOfBinary(t, r)
	return r
}

// logReach says how much of the code the witness's lives run: a mutant in other code is set
// aside.
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
		t.Logf("the witness runs the code of %d of %d mutants of %s", ran[name], of[name], name)
	}
}

func (g *generated) counts(t *testing.T, file string) []site.Count {
	t.Helper()
	counts, err := site.Read(file, len(g.mutants))
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// keeps says by how much a keep mutant grows in the three rounds, or why it is set aside.
func (r *reach) keeps(m mutate.Mutant) (witness, aside string) {
	var grown [3]int64
	reached := int64(0)
	for i := range grown {
		before, after := r.rounds[i][m.Number], r.rounds[i+1][m.Number]
		reached += after.Reached - before.Reached
		if grown[i] = after.Kept - before.Kept; m.Mode == mutate.Rare && m.Kind != mutate.Entry {
			grown[i] = after.Reached - before.Reached // of these it retains one in 50, however few they are
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

// drops has the witness look at a drop mutant: with the lives that run its code.
func (g *generated) drops(t *testing.T, m mutate.Mutant) (witness, aside string) {
	lives := withoutOwnHubs(g.reach.lives[m.Number])
	if len(lives) == 0 {
		return "", "its code did not run"
	}
	if slices.Contains(lives, lifeOfBinary) {
		return g.dropsInBinary(t, m)
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

func grows(read []figures) (witness, aside string) {
	if witness = leaksBy(read); witness == "" {
		return "", "nothing grows"
	}
	return witness, ""
}

// withoutOwnHubs leaves out the lives of whole hubs, with which all goes that a hub holds,
// unless only they run the code.
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

// witnessRun runs the witness in a process of its own.
func (g *generated) witnessRun(t *testing.T, dir string, lives []string, dose int, env string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), g.binary, "-test.run", "^TestGeneratedWitness$", "-test.timeout", "150s", "-test.v")
	cmd.Env = append(withoutGenerated(), generatedDir+"="+dir, generatedLives+"="+strings.Join(lives, ","), fmt.Sprint(generatedDose, "=", dose), env)
	return cmd.CombinedOutput()
}

// withoutGenerated is the environment for the children, which are not to measure in their
// turn.
func withoutGenerated() []string {
	return slices.DeleteFunc(withoutPower(), func(e string) bool { return strings.HasPrefix(e, "PIGEONHUB_GENERATED") })
}
