package cover

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/cover"
	"golang.org/x/tools/go/packages"

	"github.com/pigeonhub/pigeonhub/harness/mutate"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Measure returns how many statements ran of the packages that the patterns name in dir, and the
// lines that did not run. A release is a statement that a drop mutant of package mutate leaves
// out. A package without counters is an error, because nothing is known of it. Measure
// type-checks the packages, which takes seconds.
func Measure(dir string, profiles []*cover.Profile, patterns ...string) (*verdict.Coverage, error) {
	loaded, err := packages.Load(&packages.Config{Dir: dir, Mode: packages.NeedName | packages.NeedFiles | packages.NeedModule}, patterns...)
	if err != nil {
		return nil, fmt.Errorf("cover: %w", err)
	}
	released, err := releases(dir, patterns)
	if err != nil {
		return nil, err
	}
	c := &verdict.Coverage{}
	for _, pkg := range loaded {
		covered, missed, err := measure(pkg, profiles, released)
		if err != nil {
			return nil, err
		}
		c.Packages = append(c.Packages, covered)
		c.Missed = append(c.Missed, missed...)
	}
	slices.SortFunc(c.Packages, func(a, b verdict.Covered) int { return strings.Compare(a.Package, b.Package) })
	slices.SortStableFunc(c.Missed, verdict.Missed.Compare)
	return c, nil
}

// line is a line of a file.
type line struct {
	file   string // absolute
	number int
}

// releases returns the statements that release something, by their line.
func releases(dir string, patterns []string) (map[line][]string, error) {
	program, err := mutate.Load(dir, patterns...)
	if err != nil {
		return nil, err
	}
	mutants, _ := program.Mutants()
	released := map[line][]string{}
	for _, m := range mutants {
		if m.Operator == mutate.Drop && m.Kind != mutate.Branch { // the statements of a branch are listed themselves
			at := line{m.File, m.Line}
			released[at] = append(released[at], m.Source)
		}
	}
	return released, nil
}

// measure counts the statements of one package.
func measure(pkg *packages.Package, profiles []*cover.Profile, released map[line][]string) (verdict.Covered, []verdict.Missed, error) {
	folder := pkg.PkgPath
	if pkg.Module != nil {
		folder = strings.TrimPrefix(strings.TrimPrefix(folder, pkg.Module.Path), "/")
	}
	covered, missed := verdict.Covered{Package: cmp.Or(folder, path.Base(pkg.PkgPath))}, []verdict.Missed(nil)
	for _, p := range profiles {
		if path.Dir(p.FileName) != pkg.PkgPath {
			continue
		}
		at := slices.IndexFunc(pkg.GoFiles, func(name string) bool { return filepath.Base(name) == path.Base(p.FileName) })
		if at < 0 {
			return covered, nil, fmt.Errorf("cover: the counters are of other sources: %s is no file of %s", path.Base(p.FileName), pkg.PkgPath)
		}
		for _, b := range p.Blocks {
			covered.Statements += b.NumStmt
			if b.Count > 0 {
				covered.Ran += b.NumStmt
			}
		}
		of, err := missedIn(pkg.GoFiles[at], pkg.PkgPath, p.Blocks, released)
		if err != nil {
			return covered, nil, err
		}
		for _, m := range of {
			m.File = path.Join(folder, path.Base(p.FileName))
			missed = append(missed, m)
		}
	}
	if covered.Statements == 0 {
		return covered, nil, fmt.Errorf("%w of %s: it must be linked in and named by -coverpkg", ErrNothing, pkg.PkgPath)
	}
	return covered, missed, nil
}
