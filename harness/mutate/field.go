package mutate

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// entriesOf lists for each field of the package where something is put into it or counted in
// it: what a verdict names if a release of that field is left out.
func (g *generator) entriesOf() map[types.Object][]Place {
	entries := map[types.Object][]Place{}
	for _, file := range g.pkg.Syntax {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			for n := range ast.Preorder(f) {
				if field := g.entered(n); field != nil {
					where := g.program.fset.Position(n.Pos())
					entries[field] = append(entries[field], Place{g.functionOf(f), where.Filename, where.Line})
				}
			}
		}
	}
	return entries
}

// entered returns the field that a statement or call makes larger.
func (g *generator) entered(n ast.Node) types.Object {
	switch n := n.(type) {
	case *ast.IncDecStmt:
		if n.Tok == token.INC {
			return g.fieldVar(n.X)
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if n.Tok != token.SUB_ASSIGN && (len(n.Lhs) != len(n.Rhs) || g.assignKind(left, n.Rhs[i]) == "") {
				if field := g.fieldVar(left); field != nil {
					return field
				}
			}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Add" && len(n.Args) == 1 && !g.isNegative(n.Args[0]) {
			return g.fieldVar(f.X)
		}
	}
	return nil
}

// fieldVar returns the field that an expression names or has an element of.
func (g *generator) fieldVar(x ast.Expr) types.Object {
	switch x := ast.Unparen(x).(type) {
	case *ast.IndexExpr:
		return g.fieldVar(x.X)
	case *ast.SliceExpr:
		return g.fieldVar(x.X)
	case *ast.SelectorExpr:
		if s := g.pkg.TypesInfo.Selections[x]; s != nil && s.Kind() == types.FieldVal {
			return s.Obj()
		}
	}
	return nil
}

// released returns the field of which a statement releases, and its entries.
func (g *generator) released(n ast.Stmt) (field string, places []Place) {
	switch n := n.(type) {
	case *ast.IncDecStmt:
		return g.fieldOf(n.X)
	case *ast.AssignStmt:
		return g.fieldOf(n.Lhs[0])
	case *ast.ExprStmt:
		call, ok := ast.Unparen(n.X).(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return "", nil
		}
		switch f := call.Fun.(type) {
		case *ast.Ident: // delete and clear
			if g.releaseKind(call) == Delete {
				return g.fieldOf(call.Args[0])
			}
		case *ast.SelectorExpr:
			if g.releaseKind(call) == Count {
				return g.fieldOf(f.X)
			}
		}
	}
	return "", nil
}

// fieldOf returns the field that an expression names or has an element of, as package, type
// and field, and its entries.
func (g *generator) fieldOf(x ast.Expr) (string, []Place) {
	field := g.fieldVar(x)
	if field == nil || len(g.entries[field]) == 0 {
		return "", nil
	}
	for {
		switch inner := ast.Unparen(x).(type) {
		case *ast.IndexExpr:
			x = inner.X
			continue
		case *ast.SliceExpr:
			x = inner.X
			continue
		case *ast.SelectorExpr:
			owner := types.TypeString(g.pkg.TypesInfo.TypeOf(inner.X), func(p *types.Package) string { return p.Name() })
			return strings.TrimLeft(owner, "*") + "." + field.Name(), g.entries[field]
		}
		return "", nil
	}
}
