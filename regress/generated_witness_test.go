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

// What the process that measures says to the child that is the witness.
const (
	generatedDir   = "PIGEONHUB_GENERATED_DIR"   // where the child leaves what it has seen
	generatedDose  = "PIGEONHUB_GENERATED_DOSE"  // lives of each kind in a round
	generatedLives = "PIGEONHUB_GENERATED_LIVES" // names with a comma between; if empty each first comes alone, then all
)

// witnessed is what the child has seen.
type witnessed struct {
	Lives  float64   // in a round
	Read   []figures // after the warm-up, two rounds and one of twice the lives
	Failed float64   // share of the lives that did not end as they should
}

// TestGeneratedWitness is the independent check of a generated mutant, in a process of its
// own in which the mutant is on or all are counted. It knows no detector: it puts three
// rounds of lives through a hub and counts.
func TestGeneratedWitness(t *testing.T) {
	dir := os.Getenv(generatedDir)
	if dir == "" {
		t.Skip("this is for make generated")
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
		c.round(ctx, t, lives, dose) // beside the next one, for the runtime to have what a peak needs
	} else {
		settled = c.figures // only counts are asked
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

// keepCounts copies the counts as they are now.
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
