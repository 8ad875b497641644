package mutate

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"hash/fnv"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Mutants returns all mutants of the program, in the order of its files, and what puts
// them there.
func (p *Program) Mutants() ([]Mutant, *Overlay) {
	g := &generator{program: p, edits: &edits{fset: p.fset, byFile: map[string][]insertion{}}}
	for _, pkg := range p.packages {
		g.pkg, g.counts = pkg, map[string]int{}
		g.defined, g.assigned = variablesOf(pkg)
		g.entries = g.entriesOf()
		for _, file := range pkg.Syntax {
			if name := p.fset.Position(file.Package).Filename; !generated(file) && inside(pkg, name) {
				g.file(file)
			}
		}
	}
	return g.mutants, &Overlay{program: p, edits: g.edits, mutants: g.mutants}
}

// generator walks the syntax trees and collects mutants.
type generator struct {
	program *Program
	edits   *edits
	pkg     *packages.Package
	mutants []Mutant

	function string         // runtime name of the declaration that the walk is in
	local    string         // the same without the path of the package
	literal  *ast.FuncLit   // that the walk is in, nil if in none
	teardown bool           // its name says that it releases
	counts   map[string]int // mutants so far, by operator and local name
	taken    map[ast.Node]bool

	defined, assigned map[types.Object]bool    // see variablesOf
	entries           map[types.Object][]Place // see entriesOf
}

func (g *generator) file(file *ast.File) {
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		g.local = receiver(f) + f.Name.Name
		g.function = g.functionOf(f)
		g.teardown = releases(f.Name.Name)
		g.taken = map[ast.Node]bool{}
		ast.PreorderStack(f, nil, g.visit)
	}
}

func (g *generator) visit(n ast.Node, stack []ast.Node) bool {
	g.literal = literalOf(n, stack)
	g.keep(n)
	g.drop(n, stack)
	return true
}

// literalOf returns the innermost function literal around a node, or the node if it is one,
// and nil if there is none.
func literalOf(n ast.Node, stack []ast.Node) *ast.FuncLit {
	for _, around := range slices.Backward(append(slices.Clone(stack), n)) {
		if literal, ok := around.(*ast.FuncLit); ok {
			return literal
		}
	}
	return nil
}

// add registers a mutant and returns its number.
func (g *generator) add(m Mutant, at token.Pos) int {
	where := g.program.fset.Position(at)
	m.Number, m.Package, m.Function, m.File, m.Line = len(g.mutants)+1, g.pkg.PkgPath, g.function, where.Filename, where.Line
	if m.Operator == Keep {
		m.Places = []Place{{m.Function, m.File, m.Line}}
	}
	m.ID = fmt.Sprintf("%s.%s/%s%d", shortPath(g.pkg), g.local, m.Operator, g.turn(m.Operator))
	g.counts[string(m.Operator)+g.local]++
	g.mutants = append(g.mutants, m)
	g.edits.of = m.Number
	return m.Number
}

// functionOf returns the name of a declared function as stacks have it.
func (g *generator) functionOf(f *ast.FuncDecl) string {
	return runtimePath(g.pkg) + "." + receiver(f) + f.Name.Name
}

// turn returns how many mutants of the operator the function has so far.
func (g *generator) turn(op Operator) int { return g.counts[string(op)+g.local] }

// start returns a number that depends on the function alone: where its turns begin.
func (g *generator) start() int {
	h := fnv.New32a()
	h.Write([]byte(g.function))
	return int(h.Sum32() >> 8)
}

// receiver returns a method's type as the names of the runtime have it: "T." or "(*T).",
// and nothing for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return ""
	}
	name, format := f.Recv.List[0].Type, "%s."
	if star, ok := name.(*ast.StarExpr); ok {
		name, format = star.X, "(*%s)."
	}
	text := types.ExprString(name)
	if base, _, generic := strings.Cut(text, "["); generic {
		text = base + "[...]"
	}
	return fmt.Sprintf(format, text)
}

// runtimePath returns the package as stacks name it.
func runtimePath(pkg *packages.Package) string {
	if pkg.Name == "main" {
		return "main"
	}
	return pkg.PkgPath
}

// shortPath returns the import path without the part that looks like a host and an owner:
// hub/wire for github.com/someone/project/hub/wire.
func shortPath(pkg *packages.Package) string {
	parts := strings.Split(pkg.PkgPath, "/")
	if strings.Contains(parts[0], ".") && len(parts) > 3 {
		parts = parts[3:]
	}
	return strings.Join(parts, "/")
}
