package source

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// change is a statement that changes a field.
type change struct {
	at     token.Pos
	fn     *ast.FuncDecl
	block  ast.Node // the innermost block around it
	target ast.Expr // the field; nil if a call of a method changes it
	amount ast.Expr // without sign; nil for 1, the new value for an assignment
	sign   int      // 1 up, -1 down, 0 for an assignment
}

// callSite is a call of a function of this package.
type callSite struct {
	call  *ast.CallExpr
	fn    *ast.FuncDecl
	block ast.Node // the innermost block around it
}

// collect finds all changes of fields, inserts into fields, sums of fields, and calls.
func (p *sourcePackage) collect(files []*ast.File) {
	p.changes, p.calls = map[*types.Var][]*change{}, map[*types.Func][]callSite{}
	p.inserts = map[*types.Var][]*change{}
	for _, file := range files {
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				p.collectIn(fn)
				p.collectSums(fn)
			}
		}
	}
}

func (p *sourcePackage) collectIn(fn *ast.FuncDecl) {
	var blocks []ast.Node
	ast.PreorderStack(fn.Body, nil, func(n ast.Node, stack []ast.Node) bool {
		blocks = blocks[:0]
		for _, s := range stack {
			switch s.(type) {
			case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
				blocks = append(blocks, s)
			}
		}
		if len(blocks) == 0 {
			return true
		}
		block := blocks[len(blocks)-1]
		for _, c := range p.changedBy(n) {
			c.change.fn, c.change.block = fn, block
			p.changes[c.field] = append(p.changes[c.field], c.change)
		}
		for _, field := range p.insertedBy(n) {
			p.inserts[field] = append(p.inserts[field], &change{at: n.Pos(), fn: fn})
		}
		if call, ok := n.(*ast.CallExpr); ok {
			if name, ok := p.rawOpenBy(call); ok {
				p.opens = append(p.opens, rawOpen{name, call.Pos(), fn})
			}
			if f := p.callee(call); f != nil {
				p.calls[f] = append(p.calls[f], callSite{call, fn, block})
			}
		}
		return true
	})
}

type fieldChange struct {
	field  *types.Var
	change *change
}

// changedBy returns the fields that a statement or call changes.
func (p *sourcePackage) changedBy(n ast.Node) (list []fieldChange) {
	add := func(target, amount ast.Expr, sign int) {
		if f := p.fieldOf(target); f != nil {
			amount, flip := p.strip(amount)
			list = append(list, fieldChange{f, &change{at: n.Pos(), target: target, amount: amount, sign: sign * flip}})
		}
	}
	switch n := n.(type) {
	case *ast.IncDecStmt:
		add(n.X, nil, map[token.Token]int{token.INC: 1, token.DEC: -1}[n.Tok])
	case *ast.AssignStmt:
		for i, target := range n.Lhs {
			switch {
			case n.Tok == token.ADD_ASSIGN:
				add(target, n.Rhs[i], 1)
			case n.Tok == token.SUB_ASSIGN:
				add(target, n.Rhs[i], -1)
			case len(n.Lhs) == len(n.Rhs):
				p.assigned(target, n.Rhs[i], add)
			}
		}
	case *ast.CallExpr:
		fun, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || len(n.Args) == 0 {
			break
		}
		to, isAddress := n.Args[0].(*ast.UnaryExpr)
		switch {
		case fun.Sel.Name == "Add" && len(n.Args) == 1:
			add(fun.X, n.Args[0], 1)
		case fun.Sel.Name == "Store" && len(n.Args) == 1:
			p.assigned(fun.X, n.Args[0], add)
		case strings.HasPrefix(fun.Sel.Name, "Add") && isAddress && len(n.Args) == 2: // of package atomic
			add(to.X, n.Args[1], 1)
		}
	}
	return list
}

// assigned adds the change of x.n = value. x.n = 0 lowers the counter; x.n = x.n + 1 raises
// it.
func (p *sourcePackage) assigned(target, value ast.Expr, add func(target, amount ast.Expr, sign int)) {
	sum, ok := value.(*ast.BinaryExpr)
	switch {
	case ok && p.fieldOf(sum.X) != nil && p.fieldOf(sum.X) == p.fieldOf(target) && (sum.Op == token.ADD || sum.Op == token.SUB):
		add(target, sum.Y, map[token.Token]int{token.ADD: 1, token.SUB: -1}[sum.Op])
	case types.ExprString(value) == "0":
		add(target, value, -1)
	default:
		add(target, value, 0)
	}
}

// strip removes conversions and the sign from an amount.
func (p *sourcePackage) strip(amount ast.Expr) (bare ast.Expr, sign int) {
	for sign = 1; ; {
		switch a := amount.(type) {
		case *ast.ParenExpr:
			amount = a.X
		case *ast.UnaryExpr:
			if a.Op != token.SUB && a.Op != token.XOR { // ^uint64(0) is -1
				return a, sign
			}
			amount, sign = a.X, -sign
		case *ast.CallExpr:
			if len(a.Args) != 1 || !p.info.Types[a.Fun].IsType() {
				return a, sign
			}
			amount = a.Args[0]
		default:
			return amount, sign
		}
	}
}

// fieldOf returns the field that an expression selects, or nil.
func (p *sourcePackage) fieldOf(e ast.Expr) *types.Var {
	sel, ok := ast.Unparen(e).(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	if s := p.info.Selections[sel]; s != nil && s.Kind() == types.FieldVal {
		return s.Obj().(*types.Var).Origin()
	}
	return nil
}

// callee returns the function or method of this package that is called, or nil.
func (p *sourcePackage) callee(call *ast.CallExpr) *types.Func {
	var name *ast.Ident
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		name = f
	case *ast.SelectorExpr:
		name = f.Sel
	default:
		return nil
	}
	if f, ok := p.info.Uses[name].(*types.Func); ok {
		return f.Origin()
	}
	return nil
}
