package wire_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The protocol stands on gorilla/websocket and the standard library, and what a
// hub links in holds nothing that is for tests.
func TestDependencies(t *testing.T) {
	t.Parallel()
	allowed := []string{"github.com/gorilla/websocket", "github.com/pigeonhub/pigeonhub/hub/wire"}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}}", ".")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	for line := range strings.Lines(string(out)) {
		path, standard, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case path == "testing" || strings.HasPrefix(path, "testing/"):
			t.Errorf("%s is linked in", path)
		case standard == "false" && !slices.Contains(allowed, path):
			t.Errorf("%s is no dependency the protocol may have", path)
		}
	}
}
