package cover_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/cover"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// The sources of a program of two packages, which runs its releases only if an argument asks for
// them.
var program = map[string]string{
	"go.mod": "module example.com/door\n\ngo 1.26\n",
	"main.go": `package main

import (
	"os"

	"example.com/door/room"
)

func main() {
	r := room.New()
	r.Enter("ann")
	if len(os.Args) > 1 {
		r.Leave("ann")
		r.Leave("bob")
	}
}
`,
	"room/room.go": `package room

type Room struct{ in map[string]bool }

func New() *Room { return &Room{map[string]bool{}} }

func (r *Room) Enter(name string) {
	if name == "" {
		panic("no name")
	}
	r.in[name] = true
}

func (r *Room) Leave(name string) {
	if !r.in[name] {
		return
	}
	delete(r.in, name)
}
`,
}

// build writes the program and builds it with counters.
func build(t *testing.T) (dir, binary string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range program {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	binary = filepath.Join(dir, "door")
	command := exec.CommandContext(t.Context(), "go", "build", "-cover", "-covermode=atomic", "-coverpkg=./...", "-o", binary, ".")
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir, binary
}

// run runs the program and returns the directory of its counters.
func run(t *testing.T, binary string, args ...string) string {
	t.Helper()
	counters := t.TempDir()
	command := exec.CommandContext(t.Context(), binary, args...)
	command.Env = append(os.Environ(), "GOCOVERDIR="+counters)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return counters
}

func measure(t *testing.T, dir string, counters ...string) *verdict.Coverage {
	t.Helper()
	profiles, err := cover.Read(t.Context(), counters...)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cover.Measure(dir, profiles, "./...")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	dir, binary := build(t)
	brief := run(t, binary)

	c := measure(t, dir, brief)
	if want := []verdict.Covered{{Package: "door", Statements: 5, Ran: 3}, {Package: "room", Statements: 7, Ran: 3}}; !slices.Equal(c.Packages, want) {
		t.Errorf("packages %+v, want %+v", c.Packages, want)
	}
	var got []string
	for _, m := range c.Missed {
		word := m.Lines() + " " + verdict.ShortName(m.Function)
		if m.Whole {
			word += " whole"
		}
		got = append(got, strings.Join(append([]string{word}, m.Releases...), "; "))
	}
	want := []string{ // releases first
		"main.go:13-14 door.main; r.Leave(\"ann\"); r.Leave(\"bob\")",
		"room/room.go:15-18 room.(*Room).Leave whole; delete(r.in, name)",
		"room/room.go:9 room.(*Room).Enter",
	}
	if !slices.Equal(got, want) {
		t.Errorf("missed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	// Counters of several runs add up.
	if c := measure(t, dir, brief, run(t, binary, "leave")); c.Packages[1].Ran != 6 || len(c.Missed) != 1 || c.Missed[0].Releases != nil {
		t.Errorf("after a second run: %+v", c)
	}
}

// No counters, counters of a package that is not linked in, and a folder that is not there are
// errors and never a coverage.
func TestNothing(t *testing.T) {
	t.Parallel()
	if _, err := cover.Read(t.Context(), t.TempDir()); !errors.Is(err, cover.ErrNothing) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := cover.Read(t.Context(), filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that is not there is no error")
	}
	if _, err := cover.Measure("..", nil, "./settle"); !errors.Is(err, cover.ErrNothing) {
		t.Errorf("a package without counters: %v", err)
	}
}
