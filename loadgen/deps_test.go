package loadgen

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The load generator speaks to a hub over the wire: it links in neither the hub nor
// the harness that runs hubs in process, and nothing that is for tests.
func TestDeps(t *testing.T) {
	t.Parallel()
	const module = "github.com/pigeonhub/pigeonhub/"
	allowed := []string{
		"loadgen", "loadgen/schedule", "loadgen/codec", "loadgen/latency",
		"hub/wire", "harness/probe", "harness/verdict", "harness/verdict/report", "harness/verdict/units",
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", ".")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	ours := 0
	for line := range strings.Lines(string(out)) {
		path := strings.TrimSpace(line)
		if path == "testing" || strings.HasPrefix(path, "testing/") {
			t.Errorf("%s is linked in", path)
		}
		if own, ok := strings.CutPrefix(path, module); ok {
			ours++
			if !slices.Contains(allowed, own) {
				t.Errorf("%s is linked in: see the arrows in the design", path)
			}
		}
	}
	if ours != len(allowed) {
		t.Errorf("go list names %d packages of ours, want %d", ours, len(allowed))
	}
}
