package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The program links in no hub: the one that it checks is another process.
func TestDeps(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"hub", "harness", "hub/admin"} {
		if strings.Contains(string(out), "github.com/pigeonhub/pigeonhub/"+path+"\n") {
			t.Errorf("%s is linked in: see the arrows in the design", path)
		}
	}
}
