package regress_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/mutate/site"
)

// The environment variables of the child process that runs the witness.
const (
	generatedDir   = "PIGEONHUB_GENERATED_DIR"   // folder for the results of the child
	generatedDose  = "PIGEONHUB_GENERATED_DOSE"  // lives of each kind in a round
	generatedLives = "PIGEONHUB_GENERATED_LIVES" // names separated by commas; if empty, each life runs alone and then all together
)

// witnessed is the result of the child process.
type witnessed struct {
	Lives  float64   // in the first round
	Read   []figures // after the warm-up, after two rounds, and after one of twice the lives
	Failed float64   // share of the lives that failed
}

// TestGeneratedWitness is the independent check of a generated mutant. It uses no detector: it
// runs three rounds of lives and reads plain figures. It runs in a child process in which the
// mutant is switched on, or in which the code of all mutants is counted.
func TestGeneratedWitness(t *testing.T) {
	dir := os.Getenv(generatedDir)
	if dir == "" {
		t.Skip("make generated runs it in a child process")
	}
	var dose int
	if _, err := fmt.Sscan(os.Getenv(generatedDose), &dose); err != nil {
		t.Fatal(err)
	}
	c := startGeneratedCrowd(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	warmUp()
	lives, settled := c.lives(), c.settledFigures
	if chosen := os.Getenv(generatedLives); chosen != "" {
		lives = slices.DeleteFunc(lives, func(l life) bool { return !slices.Contains(strings.Split(chosen, ","), l.name) })
		c.round(ctx, t, lives, dose) // a first warm-up, in which the runtime allocates what a peak needs
	} else {
		settled = c.figures // only the counts are used
		keepCounts(t, filepath.Join(dir, "life-"))
		for _, l := range lives {
			c.send(ctx, t, l, 2)
			keepCounts(t, filepath.Join(dir, "life-"+l.name))
			t.Logf("%s %s", time.Now().Format("05.000"), l.name)
		}
	}
	c.round(ctx, t, lives, dose)
	keepCounts(t, filepath.Join(dir, "round-0"))
	out := witnessed{Read: []figures{settled()}}
	for i, times := range []int{1, 1, 2} {
		before := c.landed.Load()
		c.round(ctx, t, lives, times*dose)
		out.Read = append(out.Read, settled())
		keepCounts(t, filepath.Join(dir, fmt.Sprintf("round-%d", i+1)))
		if i == 0 {
			out.Lives = float64(c.landed.Load() - before)
		}
	}
	out.Failed = float64(c.failed.Load()) / float64(c.failed.Load()+c.landed.Load())
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "witnessed.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("%.0f lives a round, %.3f failed: %s", out.Lives, out.Failed, leaksBy(out.Read))
}

// keepCounts copies the present counts of all mutants to a file.
func keepCounts(t *testing.T, to string) {
	t.Helper()
	from := os.Getenv(site.EnvCounts)
	if from == "" {
		return
	}
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
