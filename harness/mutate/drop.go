package mutate

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// drop puts a mutant around what releases something.
func (g *generator) drop(n ast.Node, stack []ast.Node) {
	switch n := n.(type) {
	case *ast.DeferStmt:
		if !isUnlock(n.Call) {
			g.taken[n.Call] = true
			g.dropStatement(n, Deferred, stack)
		}
	case *ast.ExprStmt:
		if call, ok := ast.Unparen(n.X).(*ast.CallExpr); ok {
			if kind := g.releaseKind(call); kind != "" {
				g.taken[call] = true
				g.dropStatement(n, kind, stack)
			}
		}
	case *ast.CallExpr:
		g.dropCall(n)
	case *ast.IncDecStmt:
		if n.Tok == token.DEC && g.outlives(n.X) {
			g.dropStatement(n, Count, stack)
		}
	case *ast.AssignStmt:
		g.dropAssign(n, stack)
	case *ast.IfStmt:
		g.dropBranch(n)
	}
}

// dropStatement leaves a statement out. Where only a simple statement may stand, it is
// called in a function.
func (g *generator) dropStatement(n ast.Stmt, kind Kind, stack []ast.Node) {
	m := Mutant{Operator: Drop, Kind: kind, Source: g.program.head(n)}
	m.Field, m.Places = g.released(n)
	number := g.add(m, n.Pos())
	before, after := fmt.Sprintf("if !mutantDrop(%d) { ", number), " }"
	if isHeader(n, stack) {
		before, after = "func() { "+before, after+" }()"
	}
	g.edits.wrap(n.Pos(), n.End(), before, after)
}

// isHeader reports whether a statement stands in the head of an if, for or switch.
func isHeader(n ast.Stmt, stack []ast.Node) bool {
	if len(stack) == 0 {
		return false
	}
	switch p := stack[len(stack)-1].(type) {
	case *ast.IfStmt:
		return p.Init == n
	case *ast.ForStmt:
		return p.Init == n || p.Post == n
	case *ast.SwitchStmt:
		return p.Init == n
	case *ast.TypeSwitchStmt:
		return p.Init == n
	case *ast.CommClause:
		return p.Comm == n
	}
	return false
}

// dropCall leaves out a release whose result is used: an error or a bool, of which the
// mutant returns the zero value.
func (g *generator) dropCall(n *ast.CallExpr) {
	kind := g.releaseKind(n)
	if kind == "" || g.taken[n] || isUnlock(n) {
		return
	}
	result := ""
	switch t := g.pkg.TypesInfo.TypeOf(n); {
	case t == nil:
		return
	case types.Identical(t, types.Universe.Lookup("error").Type()):
		result = "error"
	case types.Identical(t, types.Typ[types.Bool]):
		result = "bool"
	default:
		return
	}
	number := g.add(Mutant{Operator: Drop, Kind: kind, Source: g.program.head(n)}, n.Pos())
	g.edits.wrap(n.Pos(), n.End(), fmt.Sprintf("func() (r %s) { if !mutantDrop(%d) { r = ", result, number), " }; return }()")
}

// dropAssign leaves out what an assignment releases, of several each in turn.
func (g *generator) dropAssign(n *ast.AssignStmt, stack []ast.Node) {
	switch {
	case n.Tok == token.SUB_ASSIGN && g.outlives(n.Lhs[0]) && g.isNumber(n.Lhs[0]):
		g.dropStatement(n, Count, stack)
	case n.Tok != token.ASSIGN || len(n.Lhs) != len(n.Rhs):
	case len(n.Lhs) == 1:
		if kind := g.assignKind(n.Lhs[0], n.Rhs[0]); kind != "" {
			g.dropStatement(n, kind, stack)
		}
	case !isHeader(n, stack):
		g.dropElements(n)
	}
}

// dropElements leaves out one of the assignments of a statement, and makes the others.
func (g *generator) dropElements(n *ast.AssignStmt) {
	var before strings.Builder
	for i := range n.Lhs {
		kind := g.assignKind(n.Lhs[i], n.Rhs[i])
		if kind == "" {
			continue
		}
		var left, right []string
		for j := range n.Lhs {
			if j != i {
				left, right = append(left, g.program.text(n.Lhs[j])), append(right, g.program.text(n.Rhs[j]))
			}
		}
		others := strings.Join(left, ", ") + " = " + strings.Join(right, ", ")
		if strings.Contains(others, "\n") {
			continue
		}
		source := g.program.text(n.Lhs[i]) + " = " + g.program.text(n.Rhs[i])
		m := Mutant{Operator: Drop, Kind: kind, Source: source}
		m.Field, m.Places = g.fieldOf(n.Lhs[i])
		number := g.add(m, n.Lhs[i].Pos())
		fmt.Fprintf(&before, "if mutantDrop(%d) { %s } else ", number, others)
	}
	if before.Len() > 0 {
		g.edits.of = 0
		g.edits.wrap(n.Pos(), n.End(), before.String()+"{ ", " }")
	}
}

// dropBranch leaves out a branch of a function that releases.
func (g *generator) dropBranch(n *ast.IfStmt) {
	if !g.teardown || len(n.Body.List) == 0 {
		return
	}
	if _, returns := n.Body.List[0].(*ast.ReturnStmt); returns {
		return // without it the function releases more, not less
	}
	number := g.add(Mutant{Operator: Drop, Kind: Branch, Source: g.program.head(n)}, n.Pos())
	g.edits.wrap(n.Cond.Pos(), n.Cond.End(), "(", fmt.Sprintf(") && !mutantDrop(%d)", number))
}
