package regress_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// The folders of the module, of the mutants and of the benign controls.
const (
	moduleRoot = ".."
	mutantsDir = "../testdata/mutants"
	benignDir  = "../testdata/mutants/benign"
)

// mutant is the hub with one planted leak or, if benign, with a harmless pattern that looks like
// a leak. It is read from a txtar file: the comment describes the leak, the sections are the
// edits that plant it.
type mutant struct {
	name   string // of the file
	benign bool

	family    string      // class of the catalogue
	story     string      // the mistake, and what it retains
	scenarios []string    // scenarios that make it leak; "every" if any peer that joins does
	rate      float64     // leaked things per life of a peer
	witness   witnessKind // the quantity that grows
	born      []birth     // lines that make the leaked thing; a report may name any of them
	fields    []string    // fields that retain it, as Census writes them; "none" if no field of the hub does
	star      int         // its number among the hardest classes of the catalogue, or 0

	edits []edit
}

// edit replaces lines that occur exactly once in a file.
type edit struct{ file, old, new string }

// birth is a line of the mutated source, identified by a text that occurs on no other line.
// The method find sets its number and function.
type birth struct {
	file, text string
	line       int
	function   string // the declared function around the line, as the runtime names it
}

// witnessKind is a quantity that grows under a mutant.
type witnessKind struct {
	name  string
	field string // of hub.Stats, for "stat"
	bytes int64  // per peer, for "held" and "peak": more is a leak
}

// builtMutant returns the mutant that PIGEONHUB_MUTANT names, with which the binary was built. It
// skips the test if the variable is empty.
func builtMutant(t *testing.T) *mutant {
	t.Helper()
	name := os.Getenv("PIGEONHUB_MUTANT")
	if name == "" {
		t.Skip("PIGEONHUB_MUTANT is not set")
	}
	m, err := findMutant(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// every names all scenarios in which a peer joins.
const every = "every"

// loadMutants reads the files of a directory, in the order of their names.
func loadMutants(dir string) ([]*mutant, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	var mutants []*mutant
	var errs []error
	for _, path := range paths {
		m, err := loadMutant(path)
		mutants, errs = append(mutants, m), append(errs, err)
	}
	return mutants, errors.Join(errs...)
}

// findMutant returns the mutant or benign control of a name or path. Several names of benign
// controls, separated by "+", return one mutant with the edits of all.
func findMutant(name string) (*mutant, error) {
	first, others, several := strings.Cut(name, "+")
	m, err := findOne(first)
	if err != nil || !several {
		return m, err
	}
	for other := range strings.SplitSeq(others, "+") {
		o, err := findOne(other)
		if err != nil {
			return nil, err
		}
		if !m.join(o) {
			return nil, fmt.Errorf("mutant %s: two of them edit the same lines, or one is not benign", name)
		}
	}
	return m, nil
}

func findOne(name string) (*mutant, error) {
	name = strings.TrimSuffix(filepath.Base(name), ".txtar")
	for _, dir := range []string{mutantsDir, benignDir} {
		path := filepath.Join(dir, name+".txtar")
		if _, err := os.Stat(path); err == nil {
			return loadMutant(path)
		}
	}
	return nil, fmt.Errorf("mutant %s: no such file in %s", name, mutantsDir)
}

func loadMutant(path string) (*mutant, error) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		return nil, err
	}
	m := &mutant{name: strings.TrimSuffix(filepath.Base(path), ".txtar")}
	err = m.readKeys(string(archive.Comment))
	for _, f := range archive.Files {
		edits, bad := readEdits(f.Name, string(f.Data))
		m.edits = append(m.edits, edits...)
		err = errors.Join(err, bad)
	}
	if err == nil {
		err = m.complete()
	}
	if err != nil {
		return m, fmt.Errorf("mutant %s: %w", m.name, err)
	}
	return m, nil
}

// readKeys reads the comment of a file: lines of the form "key: value". Empty lines and lines that
// begin with # are ignored.
func (m *mutant) readKeys(comment string) error {
	for line := range strings.Lines(comment) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if value = strings.TrimSpace(value); !ok || value == "" {
			return fmt.Errorf(`%q is not of the form "key: value"`, line)
		}
		if err := m.set(key, value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func (m *mutant) set(key, value string) (err error) {
	switch key {
	case "benign":
		m.benign, err = strconv.ParseBool(value)
	case "family":
		m.family = value
	case "story":
		m.story = value
	case "scenarios":
		m.scenarios = strings.Fields(value)
	case "rate":
		m.rate, err = strconv.ParseFloat(value, 64)
	case "witness":
		m.witness, err = parseWitness(value)
	case "field":
		m.fields = append(m.fields, value)
	case "star":
		m.star, err = strconv.Atoi(value)
	case "born":
		file, text, ok := strings.Cut(value, ": ")
		if !ok {
			return fmt.Errorf(`%q is not of the form "file: text"`, value)
		}
		m.born = append(m.born, birth{file: file, text: text})
	default:
		err = errors.New("unknown key")
	}
	return err
}

// complete returns an error that names a missing key.
func (m *mutant) complete() error {
	missing := map[string]bool{"story": m.story == "", "edits": len(m.edits) == 0}
	if !m.benign {
		maps.Copy(missing, map[string]bool{
			"family": m.family == "", "scenarios": len(m.scenarios) == 0, "rate": m.rate <= 0,
			"witness": m.witness.name == "", "born": len(m.born) == 0, "field": len(m.fields) == 0,
		})
	}
	for _, key := range slices.Sorted(maps.Keys(missing)) {
		if missing[key] {
			return fmt.Errorf("%s is missing", key)
		}
	}
	return nil
}

// The lines around the old and the new text of an edit.
const (
	editBegins = "<<<<<<<\n"
	editTurns  = "=======\n"
	editEnds   = ">>>>>>>\n"
)

// readEdits reads the edits of one file.
func readEdits(file, text string) (edits []edit, err error) {
	for text != "" {
		before, rest, begins := strings.Cut(text, editBegins)
		if strings.TrimSpace(before) != "" {
			return nil, fmt.Errorf("%s: %q is outside of an edit", file, before)
		}
		if !begins {
			break
		}
		old, rest, turns := strings.Cut(rest, editTurns)
		replacement, rest, ends := strings.Cut(rest, editEnds)
		if !turns || !ends || old == "" {
			return nil, fmt.Errorf("%s: edit %d is incomplete", file, len(edits)+1)
		}
		edits = append(edits, edit{file: file, old: old, new: replacement})
		text = rest
	}
	return edits, nil
}
