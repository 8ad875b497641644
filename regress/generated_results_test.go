package regress_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/mutate"
)

// generatedResults returns the folder of the results.
func generatedResults() string { return filepath.Join("..", reportDir, "generated") }

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

func resultFile(m mutate.Mutant) string {
	return filepath.Join(generatedResults(), notInNames.ReplaceAllString(m.ID, "-")+".json")
}

// stored returns the result of an earlier run for the same mutant of the same source.
func (g *generated) stored(m mutate.Mutant) (r mutate.Result, ok bool) {
	b, err := os.ReadFile(resultFile(m))
	if err != nil || json.Unmarshal(b, &r) != nil {
		return r, false
	}
	return r, r.Kind == m.Kind && r.Mode == m.Mode && r.Source == m.Source && r.Line == m.Line
}

// keepGenerated stores a result as a file.
func keepGenerated(r mutate.Result) error {
	if err := os.MkdirAll(generatedResults(), 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(resultFile(r.Mutant), b, 0o644)
}

// report logs and writes the table of the results.
func (g *generated) report(t *testing.T) {
	t.Helper()
	slices.SortFunc(g.results, func(a, b mutate.Result) int { return a.Number - b.Number })
	table := mutate.Table(g.results)
	t.Log("\n" + table)
	if err := os.MkdirAll(generatedResults(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("..", reportDir, "generated.md"), []byte(table), 0o644); err != nil {
		t.Error(err)
	}
}
