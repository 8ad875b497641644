package hub_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The hub is a library for production: it pulls in neither what tests it nor what
// watches it, and of our own packages the protocol alone.
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
	for _, dep := range deps {
		if dep == "testing" || strings.HasPrefix(dep, "testing/") || dep == "net/http/httptest" {
			t.Errorf("hub depends on %s", dep)
		}
		for _, forbidden := range []string{"prometheus", "nats-io", "ginkgo", "gomega", "goleak", "testify"} {
			if strings.Contains(dep, forbidden) {
				t.Errorf("hub depends on %s", dep)
			}
		}
		if ours, ok := strings.CutPrefix(dep, module+"/"); ok && ours != "hub" && ours != "hub/wire" && ours != "hub/admission" {
			t.Errorf("hub depends on %s: of ours it may know hub/wire and hub/admission only", dep)
		}
	}
}
