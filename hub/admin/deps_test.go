package admin_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows of this package: what it may import of ours, and what nothing it imports
// may be. Another package's test differs in this table only.
var arrows = struct {
	module string
	ours   []string // this package among them
	never  []string // a path, and all that is below it
}{
	module: "github.com/pigeonhub/pigeonhub",
	ours:   []string{"hub", "hub/admin", "hub/admission", "hub/wire"},
	never: []string{
		"testing", "github.com/nats-io", "go.uber.org/goleak", "github.com/onsi",
		"github.com/prometheus/client_golang/prometheus/testutil", "github.com/chromedp",
	},
}

func TestArrows(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 20 {
		t.Fatalf("go list names only %v: nothing is proven", deps)
	}
	for _, dep := range deps {
		if ours, ok := strings.CutPrefix(dep, arrows.module+"/"); ok && !slices.Contains(arrows.ours, ours) {
			t.Errorf("imports %s, may import %v only", ours, arrows.ours)
		}
		for _, never := range arrows.never {
			if dep == never || strings.HasPrefix(dep, never+"/") {
				t.Errorf("imports %s", dep)
			}
		}
	}
}
