package source

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// sum is an expression that adds up fields.
type sum struct {
	plus, minus []*types.Var
	returned    bool // by a function that returns nothing else
}

// sumOf returns the fields that an expression adds up and subtracts. It sees through calls
// of methods of fields, such as Load, and through local variables that got their value from
// a field.
func (p *sourcePackage) sumOf(e *ast.BinaryExpr, locals map[types.Object][]*types.Var) (s sum) {
	var walk func(e ast.Expr, sign int)
	walk = func(e ast.Expr, sign int) {
		b, ok := ast.Unparen(e).(*ast.BinaryExpr)
		switch {
		case ok && b.Op == token.ADD:
			walk(b.X, sign)
			walk(b.Y, sign)
		case ok && b.Op == token.SUB:
			walk(b.X, sign)
			walk(b.Y, -sign)
		case !ok && sign > 0:
			s.plus = append(s.plus, p.readBy(e, locals)...)
		case !ok:
			s.minus = append(s.minus, p.readBy(e, locals)...)
		}
	}
	walk(e, 1)
	return s
}

// readBy returns the fields whose value an expression is: a field, what a method of a field
// returns, a local variable that has it, or a conversion of one of these.
func (p *sourcePackage) readBy(e ast.Expr, locals map[types.Object][]*types.Var) []*types.Var {
	bare, _ := p.strip(e)
	bare = ast.Unparen(bare)
	if call, ok := bare.(*ast.CallExpr); ok {
		if method, ok := call.Fun.(*ast.SelectorExpr); ok && len(call.Args) == 0 {
			bare = method.X
		}
	}
	if f := p.fieldOf(bare); f != nil {
		return []*types.Var{f}
	}
	if name, ok := bare.(*ast.Ident); ok {
		return locals[p.info.Uses[name]]
	}
	return nil
}

// collectSums notes the sums of fields in a function.
func (p *sourcePackage) collectSums(fn *ast.FuncDecl) {
	locals := map[types.Object][]*types.Var{}
	var result ast.Expr
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if name, ok := to.(*ast.Ident); ok && n.Tok == token.DEFINE && len(n.Lhs) == len(n.Rhs) {
					locals[p.info.Defs[name]] = p.readBy(n.Rhs[i], nil)
				}
			}
		case *ast.ReturnStmt:
			if len(n.Results) == 1 {
				result = n.Results[0]
			}
		case *ast.BinaryExpr:
			if n.Op == token.ADD || n.Op == token.SUB {
				s := p.sumOf(n, locals)
				s.returned = result == ast.Expr(n)
				p.sums = append(p.sums, s)
				return false
			}
		}
		return true
	})
}

// largest returns the field that holds most of what a gauge counts: the one that it is named
// after, or another of the same struct, if a function returns the sum of both.
func (p *sourcePackage) largest(f fieldRef) fieldRef {
	parts := p.parts(f)
	if len(parts) == 1 {
		return f
	}
	return slices.MaxFunc(parts, func(a, b fieldRef) int { return cmp.Compare(p.holds(a), p.holds(b)) })
}

// parts returns a field and those that a function adds to it, in the order of the struct.
func (p *sourcePackage) parts(f fieldRef) []fieldRef {
	parts, named := []fieldRef{f}, p.declared(f.owner, f.name)
	for _, s := range p.sums {
		if !s.returned || len(s.minus) > 0 || !f.in.IsValid() || !slices.Contains(s.plus, named) {
			continue
		}
		for i := range f.owner.NumField() {
			name := f.owner.Field(i).Name
			if name == f.name || !slices.Contains(s.plus, p.declared(f.owner, name)) {
				continue
			}
			if part, ok := counterIn(f.owner, f.in, name); ok {
				part.root = f.root
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// holds returns the value of a field now, 0 if it is not known.
func (p *sourcePackage) holds(f fieldRef) float64 {
	if !f.in.IsValid() {
		return 0
	}
	v := f.in.FieldByName(f.name)
	if f.keeper == nil {
		return numberIn(v)
	}
	v = structIn(v)
	negative := p.negative(f.keeper)
	total := 0.0
	for i := 0; v.IsValid() && i < v.NumField(); i++ {
		if !isNumber(v.Field(i).Type()) {
			continue
		}
		if n := numberIn(v.Field(i)); negative[p.declared(f.keeper, f.keeper.Field(i).Name)] {
			total -= n
		} else {
			total += n
		}
	}
	return total
}
