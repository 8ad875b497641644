package verdict_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The verdict is reached with the standard library and units alone, without anything that
// could read the clock, start a process or use the network.
func TestDeps(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 10 {
		t.Fatalf("go list names only %q", deps)
	}
	const self = "github.com/pigeonhub/pigeonhub/harness/verdict"
	for _, dep := range deps {
		// The standard library's own copies are under vendor/.
		if first, _, _ := strings.Cut(dep, "/"); strings.Contains(first, ".") && dep != self && dep != self+"/units" {
			t.Errorf("verdict depends on %s", dep)
		}
		switch dep {
		case "testing", "net", "net/http", "os/exec":
			t.Errorf("verdict depends on %s", dep)
		}
	}
}
