package probe_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The probes stand on the standard library alone, and link in nothing that is for
// tests.
func TestDeps(t *testing.T) {
	t.Parallel()
	const self = "github.com/pigeonhub/pigeonhub/harness/probe"
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}}", ".")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		path, standard, _ := strings.Cut(strings.TrimSpace(line), " ")
		seen++
		switch {
		case path == "testing" || strings.HasPrefix(path, "testing/"):
			t.Errorf("%s is linked in", path)
		case standard == "false" && path != self:
			t.Errorf("%s is no dependency a probe may have", path)
		}
	}
	if seen < 10 {
		t.Errorf("go list names only %d", seen)
	}
}
