// Package deptest checks in a test which packages the package under test links in.
//
//	func TestDeps(t *testing.T) {
//		deptest.Ours(t, "harness/verdict/units")
//		deptest.Others(t, "github.com/gorilla/websocket")
//		deptest.Never(t, "testing", "net/http")
//	}
//
// It looks at `go list -deps`, so at everything that a program gets that imports the
// package, however indirectly. Imports of test files do not count. It is not an internal
// package because the tests of every top-level folder use it.
package deptest

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pigeonhub/pigeonhub/"

// Ours fails the test unless the package links in exactly these packages of this module
// beside itself: a list that is longer than the truth would allow what nobody decided.
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

// Others fails the test if a package of another module is linked in that is not one of
// these, or below one of them.
func Others(t *testing.T, allowed ...string) {
	t.Helper()
	linked, _ := list(t)
	for _, dep := range linked {
		if !dep.standard && !strings.HasPrefix(dep.path, module) && !within(dep.path, allowed) {
			t.Errorf("%s is linked in: of other modules only %q may be", dep.path, allowed)
		}
	}
}

// Never fails the test if one of these packages is linked in, or one below them.
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

// list returns what the package in the current directory links in, and its own path.
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
	return linked, linked[len(linked)-1].path // go list puts a package after what it imports
}

func within(name string, trees []string) bool {
	for ; name != "."; name = path.Dir(name) {
		if slices.Contains(trees, name) {
			return true
		}
	}
	return false
}
