package regress_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// planted is a mutant whose sources are written out.
type planted struct {
	overlay string  // the file for the -overlay flag of go build and go test
	born    []birth // with line and function
}

// overlay writes the changed sources, and the file that puts them in the place of
// the real ones, into dir.
func (m *mutant) overlay(dir string) (*planted, error) {
	sources, err := m.apply()
	if err != nil {
		return nil, err
	}
	p := &planted{overlay: filepath.Join(dir, m.name+".json")}
	if p.born, err = m.resolve(sources); err != nil {
		return nil, err
	}
	replace := map[string]string{}
	for file, source := range sources {
		real, err := filepath.Abs(filepath.Join(moduleRoot, file))
		if err != nil {
			return nil, err
		}
		changed, err := filepath.Abs(filepath.Join(dir, m.name+"-"+strings.ReplaceAll(file, "/", "-")))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(changed, []byte(source), 0o600); err != nil {
			return nil, err
		}
		replace[real] = changed
	}
	list, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return nil, err
	}
	return p, os.WriteFile(p.overlay, list, 0o600)
}

// apply returns the changed sources by file. An edit sees what those before it
// have done.
func (m *mutant) apply() (map[string]string, error) {
	sources := map[string]string{}
	count := map[string]int{}
	for _, e := range m.edits {
		if _, ok := sources[e.file]; !ok {
			b, err := os.ReadFile(filepath.Join(moduleRoot, e.file))
			if err != nil {
				return nil, fmt.Errorf("mutant %s: %w", m.name, err)
			}
			sources[e.file] = "\n" + string(b)
		}
		count[e.file]++
		if n := strings.Count(sources[e.file], "\n"+e.old); n != 1 {
			return nil, fmt.Errorf("mutant %s: edit %d of %s no longer applies: these lines occur %d times, want once:\n%s",
				m.name, count[e.file], e.file, n, e.old)
		}
		sources[e.file] = strings.Replace(sources[e.file], "\n"+e.old, "\n"+e.new, 1)
	}
	for file, source := range sources {
		sources[file] = source[1:]
	}
	return sources, nil
}

// resolve finds every birth in the changed sources, or in a real one that is not
// changed.
func (m *mutant) resolve(sources map[string]string) ([]birth, error) {
	var errs []error
	parsed := map[string]*source{}
	for file, text := range sources {
		src, err := parseSource(file, text)
		if err != nil {
			errs = append(errs, fmt.Errorf("mutant %s: %w", m.name, err))
			continue
		}
		parsed[file] = src
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	born := slices.Clone(m.born)
	for i := range born {
		if err := born[i].find(parsed); err != nil {
			errs = append(errs, fmt.Errorf("mutant %s: born: %w", m.name, err))
		}
	}
	return born, errors.Join(errs...)
}

// source is one file of the hub.
type source struct {
	text   string
	tokens *token.FileSet
	file   *ast.File
}

func parseSource(name, text string) (*source, error) {
	s := &source{text: text, tokens: token.NewFileSet()}
	var err error
	s.file, err = parser.ParseFile(s.tokens, name, text, parser.SkipObjectResolution)
	return s, err
}

// realSources are files of the hub as it is, by name: many mutants ask for the
// same few.
var realSources sync.Map

func realSource(name string) (*source, error) {
	if s, ok := realSources.Load(name); ok {
		return s.(*source), nil
	}
	text, err := os.ReadFile(filepath.Join(moduleRoot, name))
	if err != nil {
		return nil, err
	}
	s, err := parseSource(name, string(text))
	realSources.Store(name, s)
	return s, err
}

// find sets line and function.
func (b *birth) find(parsed map[string]*source) error {
	src := parsed[b.file]
	if src == nil { // the birth is in a file that is not changed
		var err error
		if src, err = realSource(b.file); err != nil {
			return err
		}
	}
	for i, line := range strings.Split(src.text, "\n") {
		if !strings.Contains(line, b.text) {
			continue
		}
		if b.line != 0 {
			return fmt.Errorf("%q stands on lines %d and %d of %s, want one", b.text, b.line, i+1, b.file)
		}
		b.line = i + 1
	}
	if b.line == 0 {
		return fmt.Errorf("%q stands nowhere in %s", b.text, b.file)
	}
	b.function = src.function(b.line)
	return nil
}

// function names what is declared around a line. A variable is made by the
// package's initialization.
func (s *source) function(line int) string {
	pkg := s.file.Name.Name + "."
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if ok && s.tokens.Position(f.Pos()).Line <= line && line <= s.tokens.Position(f.End()).Line {
			return pkg + receiver(f) + f.Name.Name
		}
	}
	return pkg + "init"
}

// receiver returns a method's type as it stands in the names of the runtime: "T."
// or "(*T).", and nothing for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	switch t := f.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		return fmt.Sprintf("(*%s).", t.X)
	default:
		return fmt.Sprintf("%s.", t)
	}
}
