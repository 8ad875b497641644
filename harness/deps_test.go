package harness_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The harness works on any hub: it knows the protocol, the readings and the
// verdict, never our hub, and no test framework.
func TestDeps(t *testing.T) {
	t.Parallel()
	const module = "github.com/pigeonhub/pigeonhub"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 10 {
		t.Fatalf("go list names only %q", deps)
	}
	may := []string{"harness", "harness/settle", "harness/heap", "harness/detect", "harness/detect/internal/planted", "harness/stack", "harness/source", "harness/probe", "harness/verdict", "harness/verdict/report", "harness/verdict/units", "hub/wire"}
	for _, dep := range deps {
		for _, forbidden := range []string{"ginkgo", "gomega", "testify", "prometheus", "nats-io"} {
			if strings.Contains(dep, forbidden) {
				t.Errorf("harness depends on %s", dep)
			}
		}
		if ours, ok := strings.CutPrefix(dep, module+"/"); ok && !slices.Contains(may, ours) {
			t.Errorf("harness depends on %s: of ours it may know only %q", dep, may)
		}
	}
}
