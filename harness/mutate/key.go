package mutate

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/packages"
)

// key returns an expression for the key at hand: of the variables in scope one that is a
// string, a request's address, or a pointer to a struct with a string in it that the package
// never changes, since no lock may be held. It is empty if there is none. The expression
// does not panic.
func (g *generator) key(at token.Pos) string {
	best, rank := "", len(keyRanks)
	for _, v := range g.variables(at) {
		if l := g.literal; l != nil && (v.Pos() < l.Pos() || v.Pos() >= l.End()) {
			continue // the function would hold what it did not hold before
		}
		text, r := g.keyOf(v)
		if text != "" && r < rank {
			best, rank = text, r
		}
	}
	return best
}

// The ranks of keys, the best first.
const (
	rankAddress = iota
	rankString
	rankField
)

var keyRanks = [...]int{rankAddress, rankString, rankField}

// variables returns the parameters and locals that are declared before a position and can
// be named there, innermost first.
func (g *generator) variables(at token.Pos) []*types.Var {
	var list []*types.Var
	scope := g.pkg.Types.Scope().Innermost(at)
	for s := scope; s != nil && s != g.pkg.Types.Scope(); s = s.Parent() {
		var here []*types.Var
		for _, name := range s.Names() {
			_, found := scope.LookupParent(name, at)
			v, ok := found.(*types.Var)
			if ok && name != "_" && s.Lookup(name) == found && g.defined[v] {
				here = append(here, v)
			}
		}
		slices.SortFunc(here, func(a, b *types.Var) int { return cmp.Compare(a.Pos(), b.Pos()) })
		list = append(list, here...)
	}
	return list
}

// variablesOf lists what the package declares in its source, which the variables of a type
// switch are not, and the fields to which it assigns.
func variablesOf(pkg *packages.Package) (defined, assigned map[types.Object]bool) {
	defined, assigned = map[types.Object]bool{}, map[types.Object]bool{}
	for _, d := range pkg.TypesInfo.Defs {
		defined[d] = true
	}
	for _, file := range pkg.Syntax {
		for n := range ast.Preorder(file) {
			if a, ok := n.(*ast.AssignStmt); ok {
				for _, left := range a.Lhs {
					if s, ok := left.(*ast.SelectorExpr); ok {
						assigned[pkg.TypesInfo.Uses[s.Sel]] = true
					}
				}
			}
		}
	}
	return defined, assigned
}

func (g *generator) keyOf(v *types.Var) (text string, rank int) {
	if isString(v.Type()) {
		return conversion(v.Type(), v.Name()), rankString
	}
	pointer, ok := v.Type().Underlying().(*types.Pointer)
	if !ok {
		return "", 0
	}
	if named, ok := pointer.Elem().(*types.Named); ok && named.String() == "net/http.Request" {
		return guarded(v.Name(), v.Name()+".RemoteAddr"), rankAddress
	}
	s, ok := pointer.Elem().Underlying().(*types.Struct)
	if !ok {
		return "", 0
	}
	for f := range s.Fields() {
		if isString(f.Type()) && !g.assigned[f] && (f.Exported() || f.Pkg() == g.pkg.Types) {
			return guarded(v.Name(), conversion(f.Type(), v.Name()+"."+f.Name())), rankField
		}
	}
	return "", 0
}

func isString(t types.Type) bool {
	if _, ok := t.(*types.TypeParam); ok {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Kind() == types.String
}

func conversion(t types.Type, text string) string {
	if t == types.Typ[types.String] {
		return text
	}
	return fmt.Sprintf("mutantString(%s)", text)
}

// guarded evaluates an expression unless the pointer is nil.
func guarded(pointer, text string) string {
	return fmt.Sprintf("func() string { if %s == nil { return \"\" }; return %s }()", pointer, text)
}
