package regress_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// planted is a mutant whose changed sources are written to files.
type planted struct {
	overlay string  // path for the -overlay flag of go build and go test
	born    []birth // with line and function
}

// overlay writes the changed sources into dir, with the file for -overlay that replaces the
// original ones.
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

// build builds the suite with the mutant and more environment, and returns the path of the binary
// in dir.
func (p *planted) build(ctx context.Context, dir string, env []string, flags ...string) (string, error) {
	binary := filepath.Join(dir, "regress.test")
	build := exec.CommandContext(ctx, "go", append([]string{"test", "-c", "-overlay", p.overlay, "-o", binary}, flags...)...)
	build.Env = append(os.Environ(), env...)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	return binary, nil
}

// apply returns the changed sources by file. Each edit applies to the result of those before it.
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
			return nil, fmt.Errorf("mutant %s: edit %d of %s does not apply: these lines occur %d times, want once:\n%s%s",
				m.name, count[e.file], e.file, n, e.old, nearest(sources[e.file][1:], e.old))
		}
		sources[e.file] = strings.Replace(sources[e.file], "\n"+e.old, "\n"+e.new, 1)
	}
	for file, source := range sources {
		sources[file] = source[1:]
	}
	return sources, nil
}

// nearest shows the lines of a source that resemble those of an edit most, if any do.
func nearest(source, old string) string {
	lines, want := strings.Split(source, "\n"), strings.Split(strings.TrimSuffix(old, "\n"), "\n")
	known := make(map[string]bool)
	for _, line := range want {
		known[strings.TrimSpace(line)] = strings.Trim(line, "\t {}") != ""
	}
	best, at := 0, 0
	for i := range max(0, len(lines)-len(want)) {
		alike := 0
		for k, line := range lines[i : i+len(want)] {
			if line = strings.TrimSpace(line); !known[line] {
				continue
			}
			alike++
			if line == strings.TrimSpace(want[k]) {
				alike++
			}
		}
		if alike > best {
			best, at = alike, i
		}
	}
	if best == 0 {
		return "nothing in the file resembles them\n"
	}
	return fmt.Sprintf("today's lines from %d on:\n%s\n", at+1, strings.Join(lines[at:at+len(want)], "\n"))
}

// resolve returns the births with their lines and functions.
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

// realSources caches parsed files of the hub by name.
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

// find sets the line and the function of a birth.
func (b *birth) find(parsed map[string]*source) error {
	src := parsed[b.file]
	if src == nil { // the mutant does not change this file
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
			return fmt.Errorf("%q occurs on lines %d and %d of %s, want one", b.text, b.line, i+1, b.file)
		}
		b.line = i + 1
	}
	if b.line == 0 {
		return fmt.Errorf("%q does not occur in %s", b.text, b.file)
	}
	b.function = src.function(b.line)
	return nil
}

// function returns the name of the function declared around a line, or "init" outside of
// functions.
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

// receiver returns the receiver type as the runtime writes it before the name of a method, "T." or
// "(*T).", and "" for a function.
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
