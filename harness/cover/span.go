package cover

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"strings"

	"golang.org/x/tools/cover"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// source is a parsed file.
type source struct {
	name  string
	lines []string
	file  *token.File
	tree  *ast.File
}

func readSource(name string) (*source, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("cover: %w", err)
	}
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("cover: %w", err)
	}
	return &source{name, strings.Split(string(text), "\n"), files.File(tree.FileStart), tree}, nil
}

// missedIn returns the ranges of a file's lines that did not run. Blocks of one function that
// follow each other are one range.
func missedIn(name, pkg string, blocks []cover.ProfileBlock, released map[line][]string) ([]verdict.Missed, error) {
	s, err := readSource(name)
	if err != nil {
		return nil, err
	}
	var all []verdict.Missed
	for _, d := range s.tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		of := s.within(f, blocks)
		spans, ran := s.spans(of)
		for i := range spans {
			spans[i].Function, spans[i].Whole = functionName(pkg, f), !ran
			for n := spans[i].Line; n <= spans[i].To; n++ {
				spans[i].Releases = append(spans[i].Releases, released[line{name, n}]...)
			}
		}
		all = append(all, spans...)
	}
	return all, nil
}

// within returns the blocks of a function, in the order of the file.
func (s *source) within(f *ast.FuncDecl, blocks []cover.ProfileBlock) (of []cover.ProfileBlock) {
	from, to := s.file.Line(f.Pos()), s.file.Line(f.End())
	for _, b := range blocks {
		if b.StartLine >= from && b.EndLine <= to {
			of = append(of, b)
		}
	}
	return of
}

// spans returns the ranges of lines of blocks that did not run, and reports whether any block
// ran.
func (s *source) spans(blocks []cover.ProfileBlock) (spans []verdict.Missed, ran bool) {
	open := false // the block before this one did not run either
	for _, b := range blocks {
		if b.NumStmt == 0 {
			continue
		}
		if b.Count > 0 {
			open, ran = false, true
			continue
		}
		from, to := s.statements(b)
		if last := len(spans) - 1; open {
			spans[last].To = max(spans[last].To, to)
			spans[last].Statements += b.NumStmt
		} else {
			spans = append(spans, verdict.Missed{Site: verdict.Site{Line: from}, To: to, Statements: b.NumStmt})
		}
		open = true
	}
	return spans, ran
}

// statements returns the first and the last line of the statements of a block. The block
// itself goes from brace to brace.
func (s *source) statements(b cover.ProfileBlock) (from, to int) {
	from, to = b.StartLine, b.EndLine
	first := s.lines[from-1]
	if rest := strings.Trim(first[min(len(first), b.StartCol-1):], " \t{"); rest == "" && from < to {
		from++
	}
	last := s.lines[to-1]
	if before := strings.Trim(last[:min(len(last), b.EndCol-1)], " \t}"); before == "" && from < to {
		to--
	}
	return from, to
}

// functionName returns the name of a function as stacks have it: example.com/hub.(*Hub).join.
func functionName(pkg string, f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return pkg + "." + f.Name.Name
	}
	of := f.Recv.List[0].Type
	name, pointer := of, false
	if star, ok := of.(*ast.StarExpr); ok {
		name, pointer = star.X, true
	}
	if generic, ok := name.(*ast.IndexExpr); ok {
		name = generic.X
	}
	if pointer {
		return fmt.Sprintf("%s.(*%s).%s", pkg, types.ExprString(name), f.Name.Name)
	}
	return fmt.Sprintf("%s.%s.%s", pkg, types.ExprString(name), f.Name.Name)
}
