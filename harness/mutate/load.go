package mutate

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Program is the packages whose mutants are generated.
type Program struct {
	fset     *token.FileSet
	packages []*packages.Package
	sources  map[string][]byte // by absolute file
}

// Load parses and type-checks the packages that the patterns name, as go build in dir
// does. Test files are not part of them.
func Load(dir string, patterns ...string) (*Program, error) {
	p := &Program{fset: token.NewFileSet(), sources: map[string][]byte{}}
	cfg := &packages.Config{
		Dir: dir, Fset: p.fset,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedSyntax |
			packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
	}
	var err error
	if p.packages, err = packages.Load(cfg, patterns...); err != nil {
		return nil, fmt.Errorf("mutate: %w", err)
	}
	if len(p.packages) == 0 {
		return nil, fmt.Errorf("mutate: %q names no package in %s", patterns, dir)
	}
	return p, p.read()
}

// read reads the sources, and reports what does not compile.
func (p *Program) read() error {
	var errs []error
	for _, pkg := range p.packages {
		for _, err := range pkg.Errors {
			errs = append(errs, err)
		}
		for _, file := range pkg.Syntax {
			name := p.fset.Position(file.Package).Filename
			b, err := os.ReadFile(name)
			errs = append(errs, err)
			p.sources[name] = b
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("mutate: %w", err)
	}
	return nil
}

// text returns the source of a node.
func (p *Program) text(n ast.Node) string {
	from, to := p.fset.Position(n.Pos()), p.fset.Position(n.End())
	return string(p.sources[from.Filename][from.Offset:to.Offset])
}

// head returns the first line of a node's source.
func (p *Program) head(n ast.Node) string {
	first, _, cut := strings.Cut(p.text(n), "\n")
	if cut {
		first += " ..."
	}
	return first
}

// generated reports whether a file is not for mutants: made by a tool, or in C.
func generated(file *ast.File) bool {
	for _, i := range file.Imports {
		if i.Path.Value == `"C"` {
			return true
		}
	}
	return ast.IsGenerated(file)
}

// inside reports whether a file is in the folder of the package: a file that the go
// command has made for it is not.
func inside(pkg *packages.Package, name string) bool {
	return len(pkg.GoFiles) > 0 && filepath.Dir(name) == filepath.Dir(pkg.GoFiles[0])
}
