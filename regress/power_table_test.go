package regress_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// writePower writes the table as Markdown: what make power prints, and what the
// record in doc.go and the README have been taken from.
func writePower(rows []powerRow) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", score(rows))
	b.WriteString("| mutant | family | rate | suite | function | line | field | scenario | seen by | time | goleak | gleak | goroutineleak |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		b.WriteString(r.markdown())
	}
	dir := filepath.Join("..", reportDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "power.md"), []byte(b.String()), 0o644)
}

func (r *powerRow) markdown() string {
	mark := func(right bool) string {
		if right {
			return "yes"
		}
		return "no"
	}
	cells := []string{r.m.name, r.m.family, fmt.Sprint(r.m.rate)}
	switch {
	case r.m.benign:
		word := "not reported"
		if r.caught() {
			word = "REPORTED"
		}
		cells = []string{r.m.name, "benign", "", word, "", "", "", ""}
	case !r.caught():
		cells = append(cells, "MISSED", "", "", "", "")
	default:
		field := "-"
		if r.m.heldByField() {
			field = mark(r.rightField())
		}
		cells = append(cells, "caught", mark(r.rightFunction()), mark(r.rightLine()), field, mark(r.rightScenario()))
	}
	cells = append(cells, strings.Join(r.detectors(), ", "), r.took.Round(100*time.Millisecond).String())
	for _, other := range baselineNames {
		cells = append(cells, mark(r.baselines[other]))
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}
