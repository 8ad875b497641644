package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The program links in no hub: the one that it checks is another process. The conformance kit
// brings in the harness, which only the command conformance uses.
func TestDeps(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/pigeonhub/pigeonhub/"
	for _, path := range []string{module + "hub", module + "hub/admin", module + "hub/hubtest", "testing"} {
		if strings.Contains("\n"+string(out), "\n"+path+"\n") {
			t.Errorf("%s is linked in: see the arrows in the design", path)
		}
	}
}
