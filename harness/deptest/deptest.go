// Package deptest checks in a test which packages the package under test links in.
//
//	func TestDeps(t *testing.T) {
//		deptest.Ours(t, "harness/verdict/units")
//		deptest.Others(t, "github.com/gorilla/websocket")
//		deptest.Never(t, "testing", "net/http")
//	}
//
// It reads `go list -deps`, so indirect imports count and imports of test files do not. It is no
// internal package, because the tests of every top-level folder use it.
package deptest

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pigeonhub/pigeonhub/"

// Ours fails the test unless the package links in exactly these packages of this module, beside
// itself. A longer list would permit imports without a decision.
func Ours(t *testing.T, allowed ...string) {
	t.Helper()
	linked, self := list(t)
	for _, dep := range linked {
		own, ours := strings.CutPrefix(dep.path, module)
		if ours && dep.path != self && !slices.Contains(allowed, own) {
			t.Errorf("%s is linked in: of this module only %q may be", own, allowed)
		}
	}
	for _, own := range allowed {
		if !slices.ContainsFunc(linked, func(d dependency) bool { return d.path == module+own }) {
			t.Errorf("%s is not linked in: take it off the list", own)
		}
	}
}

// Others fails the test if the package links in a package of another module, unless that is one of
// these or below one of them.
func Others(t *testing.T, allowed ...string) {
	t.Helper()
	linked, _ := list(t)
	for _, dep := range linked {
		if !dep.standard && !strings.HasPrefix(dep.path, module) && !within(dep.path, allowed) {
			t.Errorf("%s is linked in: of other modules only %q may be", dep.path, allowed)
		}
	}
}

// Never fails the test if the package links in one of these packages, or one below them.
func Never(t *testing.T, forbidden ...string) {
	t.Helper()
	linked, _ := list(t)
	for _, dep := range linked {
		if within(dep.path, forbidden) {
			t.Errorf("%s is linked in", dep.path)
		}
	}
}

type dependency struct {
	path     string
	standard bool
}

// list returns the packages that the package in the current directory links in, and its path.
func list(t *testing.T) (linked []dependency, self string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}}", ".")
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	for line := range strings.Lines(string(out)) {
		name, standard, _ := strings.Cut(strings.TrimSpace(line), " ")
		linked = append(linked, dependency{name, standard == "true"})
	}
	if len(linked) == 0 {
		t.Fatalf("%v lists nothing", command)
	}
	return linked, linked[len(linked)-1].path // go list puts a package after its imports
}

func within(name string, trees []string) bool {
	for ; name != "."; name = path.Dir(name) {
		if slices.Contains(trees, name) {
			return true
		}
	}
	return false
}
