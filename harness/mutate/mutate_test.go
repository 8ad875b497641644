package mutate_test

import (
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"

	"github.com/pigeonhub/pigeonhub/harness/mutate"
	"github.com/pigeonhub/pigeonhub/harness/mutate/site"
)

var update = flag.Bool("update", false, "write the golden files")

func generate(t *testing.T, patterns ...string) ([]mutate.Mutant, *mutate.Overlay) {
	t.Helper()
	p, err := mutate.Load(".", patterns...)
	if err != nil {
		t.Fatal(err)
	}
	mutants, overlay := p.Mutants()
	return mutants, overlay
}

const room = "./testdata/room"

// The mutated room is as it was approved.
func TestGolden(t *testing.T) {
	t.Parallel()
	mutants, overlay := generate(t, room)
	var list strings.Builder
	for _, m := range mutants {
		m.File = filepath.Base(m.File)
		fmt.Fprintf(&list, "%s function %s field %q key %q lines", m, m.Function[strings.LastIndexByte(m.Function, '/')+1:], m.Field, m.Key)
		for _, p := range m.Places {
			fmt.Fprintf(&list, " %d", p.Line)
		}
		list.WriteByte('\n')
	}
	wantGolden(t, "testdata/room.mutants.golden", []byte(list.String()))
	for name, source := range overlay.Sources() {
		if filepath.Base(name) == "room.go" {
			wantGolden(t, "testdata/room.source.golden", source)
		}
	}
}

func wantGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; see what has changed, then run the test with -update", file)
	}
}

// The room has a place for every kind and mode.
func TestEveryKind(t *testing.T) {
	t.Parallel()
	mutants, _ := generate(t, room)
	seen := map[string]bool{}
	for _, m := range mutants {
		seen[string(m.Kind)], seen[string(m.Mode)] = true, true
	}
	for _, kind := range []mutate.Kind{
		mutate.Object, mutate.Value, mutate.Entry, mutate.Node, mutate.Goroutine, mutate.Timer, mutate.Context, mutate.Descriptor,
		mutate.Delete, mutate.Zero, mutate.Release, mutate.Cancel, mutate.Count, mutate.Unlink, mutate.Deferred, mutate.Pool, mutate.Branch,
	} {
		if !seen[string(kind)] {
			t.Errorf("no mutant of kind %s", kind)
		}
	}
	for _, mode := range []mutate.Mode{mutate.Every, mutate.Rare, mutate.Only} {
		if !seen[string(mode)] {
			t.Errorf("no mutant of mode %s", mode)
		}
	}
}

// Lines keep their numbers, and what is generated type-checks, of our own packages too.
func TestTypeChecks(t *testing.T) {
	t.Parallel()
	patterns := []string{room, "../../hub", "../../hub/wire", "../../hub/admin", "../../cmd/pigeonhub"}
	mutants, overlay := generate(t, patterns...)
	sources := overlay.Sources()
	for name, source := range sources {
		original, err := os.ReadFile(name)
		if err != nil {
			continue // the added file
		}
		if got, want := strings.Count(string(source), "\n"), strings.Count(string(original), "\n"); got != want {
			t.Errorf("%s has %d lines, %d before", name, got, want)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), name, source, 0); err != nil {
			t.Error(err)
		}
	}
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax, Overlay: sources}, patterns...)
	if err != nil {
		t.Fatal(err)
	}
	if packages.PrintErrors(loaded) > 0 {
		t.Error("what is generated does not type-check")
	}
	if len(mutants) < 500 || len(mutants) >= site.MostMutants {
		t.Errorf("%d mutants", len(mutants))
	}
	byID := map[string]bool{}
	for i, m := range mutants {
		if byID[m.ID] || m.Number != i+1 {
			t.Errorf("%s is there twice, or out of order", m)
		}
		byID[m.ID] = true
	}
}

// A change of one function leaves the mutants of all others as they are.
func TestIDsAreStable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source, err := os.ReadFile(room + "/room.go")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := func() map[string]string {
		p, err := mutate.Load(dir, ".")
		if err != nil {
			t.Fatal(err)
		}
		mutants, _ := p.Mutants()
		ids := map[string]string{}
		for _, m := range mutants {
			ids[m.ID] = fmt.Sprint(m.Operator, m.Kind, m.Mode, m.Source)
		}
		return ids
	}
	write("go.mod", "module example.com/someone/project/room\n\ngo 1.26\n")
	write("room.go", string(source))
	before := list()
	const was = "\tr.mu.Lock()\n\tdefer r.mu.Unlock()\n\tctx, end"
	write("room.go", strings.Replace(string(source), was, "\n\tif r.present > 7 {\n\t\tdelete(r.guests, id)\n\t}\n"+was, 1))
	after := list()
	if len(after) != len(before)+2 {
		t.Errorf("%d mutants, %d before", len(after), len(before))
	}
	for id, m := range before {
		if !strings.Contains(id, ".Enter/") && !strings.Contains(id, "(*Room).Enter/") && after[id] != m {
			t.Errorf("%s was %s, is %s", id, m, after[id])
		}
	}
}

// The room with all mutants in it is the room as long as none is on, and its own test fails
// for those that leak in what it does.
func TestSwitch(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs a program for every mutant")
	}
	t.Parallel()
	mutants, overlay := generate(t, room)
	dir := t.TempDir()
	file, err := overlay.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "room.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", file, "-o", binary, room).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(env ...string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), binary, "-test.timeout", "1m")
		cmd.Env = append(os.Environ(), env...)
		return cmd.CombinedOutput()
	}
	if out, err := run(); err != nil {
		t.Errorf("no mutant is on: %v\n%s", err, out)
	}
	counted := filepath.Join(dir, "counts")
	if out, err := run(site.EnvCounts + "=" + counted); err != nil {
		t.Errorf("all are counted and none is on: %v\n%s", err, out)
	}
	counts, err := site.Read(counted, len(mutants))
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, mutants, counts)
	for _, m := range mutants {
		leaks := m.Operator == mutate.Keep && m.Mode == mutate.Every && counts[m.Number].Kept >= 300 &&
			!slices.Contains([]mutate.Kind{mutate.Value, mutate.Entry, mutate.Descriptor}, m.Kind) || // few objects are theirs

			slices.Contains([]string{"delete(r.guests, id)", "g.conn.Close()", "g.end()", "r.bytes.Add(-int64(len(id)))"}, m.Source)
		if out, err := run(overlay.Env(m)); leaks && err == nil {
			t.Errorf("%s does not leak:\n%s", m, out)
		} else if counts[m.Number].Reached == 0 && err != nil {
			t.Errorf("%s does not run, but the test fails: %v\n%s", m, err, out)
		}
	}
}

func wantCounts(t *testing.T, mutants []mutate.Mutant, counts []site.Count) {
	t.Helper()
	for _, m := range mutants {
		got := counts[m.Number]
		want := got.Reached
		switch {
		case m.Operator == mutate.Drop:
			want = 0
		case m.Mode == mutate.Rare && m.Kind != mutate.Entry:
			want = (got.Reached + 49) / 50
		case m.Mode != mutate.Every, m.Kind == mutate.Entry:
			continue
		}
		if got.Kept != want {
			t.Errorf("%s: %+v, want %d kept", m, got, want)
		}
	}
	i := slices.IndexFunc(mutants, func(m mutate.Mutant) bool { return strings.HasSuffix(m.ID, ".(*Room).Enter/keep0") })
	if i < 0 || counts[mutants[i].Number].Reached != 600 {
		t.Errorf("Enter ran %+v, want 600 times", counts[mutants[i].Number])
	}
}
