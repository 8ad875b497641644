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

	"golang.org/x/tools/txtar"
)

// Where the planted leaks lie, and what they are planted into.
const (
	moduleRoot = ".."
	mutantsDir = "../testdata/mutants"
	benignDir  = "../testdata/mutants/benign"
)

// mutant is our hub with one leak put in or, if benign, with a pattern that looks
// like one. It is read from a txtar file: the comment holds what is known of the
// leak, the sections the edits that plant it.
type mutant struct {
	name   string // of the file
	benign bool

	family    string      // class of the catalogue
	story     string      // what was forgotten and what stays
	scenarios []string    // those that make it leak; "every" for any session that joins
	rate      float64     // leaked things per life of a peer
	witness   witnessKind // what grows
	born      []birth     // where the leaked thing is made; any of them is right
	fields    []string    // what retains it, as Census writes it; "none" if nothing of the hub does
	star      int         // number of the starred class, or 0

	edits []edit
}

// edit replaces whole lines that occur once in a file.
type edit struct{ file, old, new string }

// birth is a line of the mutated source, by a text that occurs on it alone. The
// overlay knows its number and function.
type birth struct {
	file, text string
	line       int
	function   string // the outermost one declared, as the runtime names it
}

// witnessKind is a quantity that grows, and the bytes per peer that are too many
// where it is one that has such a bound (held, peak) or the field of hub.Stats.
type witnessKind struct {
	name  string
	field string
	bytes int64
}

// every stands for the scenarios in which a peer joins.
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

// findMutant returns the mutant or benign control of a name or path, or of several
// controls with a plus between, together.
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
			return nil, fmt.Errorf("mutant %s: two edit the same lines, or one is no benign control", name)
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

// readKeys reads the comment: a "key: value" on each line that is not empty and
// does not begin with #.
func (m *mutant) readKeys(comment string) error {
	for line := range strings.Lines(comment) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if value = strings.TrimSpace(value); !ok || value == "" {
			return fmt.Errorf("%q is no key and value", line)
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
			return fmt.Errorf("%q is no file and text", value)
		}
		m.born = append(m.born, birth{file: file, text: text})
	default:
		err = errors.New("no such key")
	}
	return err
}

// complete reports what is missing.
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
			return fmt.Errorf("has no %s", key)
		}
	}
	return nil
}

// The lines that separate the halves of an edit.
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
			return nil, fmt.Errorf("%s: %q stands outside of an edit", file, before)
		}
		if !begins {
			break
		}
		old, rest, turns := strings.Cut(rest, editTurns)
		replacement, rest, ends := strings.Cut(rest, editEnds)
		if !turns || !ends || old == "" {
			return nil, fmt.Errorf("%s: edit %d is not whole", file, len(edits)+1)
		}
		edits = append(edits, edit{file: file, old: old, new: replacement})
		text = rest
	}
	return edits, nil
}
