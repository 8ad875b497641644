package mutate

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
	"unicode"
)

// verbs are the first words of names of functions that release something.
var verbs = map[string]bool{}

func init() {
	const list = `abort cancel clean cleanup close compact deregister destroy detach disconnect dispose done drop end evict expire
		finish forget free give kill leave purge put quit recycle release remove reset retire return shrink shutdown stop sweep
		unbind uncount unlink unregister unset unsubscribe untrack unwatch`
	for verb := range strings.FieldsSeq(list) {
		verbs[verb] = true
	}
}

// releases reports whether a function's name says that it releases something.
func releases(name string) bool {
	end := strings.IndexFunc(name[min(1, len(name)):], unicode.IsUpper) + 1
	if end == 0 {
		end = len(name)
	}
	verb := strings.ToLower(name[:end])
	return verbs[verb] && (verb != "put" || end == len(name)) // PutUint16 and its like write
}

// isUnlock reports whether a call unlocks. A mutant without it would not leak but stop.
func isUnlock(call *ast.CallExpr) bool {
	s, ok := call.Fun.(*ast.SelectorExpr)
	return ok && (s.Sel.Name == "Unlock" || s.Sel.Name == "RUnlock")
}

// releaseKind returns what a call releases, "" if it is no release.
func (g *generator) releaseKind(call *ast.CallExpr) Kind {
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		switch use := g.pkg.TypesInfo.Uses[f].(type) {
		case *types.Builtin:
			if f.Name == "delete" || f.Name == "clear" {
				return Delete
			}
		case *types.Var:
			return g.stopKind(f.Name, use.Type())
		case *types.Func:
			return spoken(f.Name)
		}
	case *ast.SelectorExpr:
		return g.methodKind(call, f)
	case *ast.CallExpr:
		if g.stopKind("stop", g.pkg.TypesInfo.TypeOf(f)) != "" {
			return Cancel // defer context.AfterFunc(ctx, f)() and its like
		}
	}
	return ""
}

// spoken returns Release for a function whose name says so.
func spoken(name string) Kind {
	if releases(name) {
		return Release
	}
	return ""
}

func (g *generator) methodKind(call *ast.CallExpr, f *ast.SelectorExpr) Kind {
	switch use := g.pkg.TypesInfo.Uses[f.Sel].(type) {
	case *types.Var:
		return g.stopKind(f.Sel.Name, use.Type())
	case *types.Func:
		switch {
		case use.FullName() == "(*sync.Pool).Put":
			return Pool
		case f.Sel.Name == "Add" && len(call.Args) == 1 && g.isNegative(call.Args[0]):
			return Count
		case use.FullName() == "(*sync.WaitGroup).Done":
			return Count
		case strings.HasSuffix(use.FullName(), "context.Context).Done"):
			return ""
		}
		return spoken(f.Sel.Name)
	}
	return ""
}

// stopKind returns Cancel for a variable that is a function without parameters and whose
// name or type says that it ends something.
func (g *generator) stopKind(name string, t types.Type) Kind {
	f, ok := t.Underlying().(*types.Signature)
	if ok && f.Params().Len() == 0 && (releases(name) || t.String() == "context.CancelFunc") {
		return Cancel
	}
	return ""
}

// isNegative reports whether an expression is -n, a conversion of one, or ^n.
func (g *generator) isNegative(x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.UnaryExpr:
		return x.Op == token.SUB || x.Op == token.XOR
	case *ast.CallExpr:
		return g.pkg.TypesInfo.Types[x.Fun].IsType() && len(x.Args) == 1 && g.isNegative(x.Args[0])
	}
	return false
}

func (g *generator) isNumber(x ast.Expr) bool {
	b, ok := g.pkg.TypesInfo.TypeOf(x).Underlying().(*types.Basic)
	return ok && b.Info()&types.IsNumeric != 0
}

// outlives reports whether what is assigned to may outlive the function: a field, an
// element, what a pointer points to, a package variable.
func (g *generator) outlives(x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.SelectorExpr, *ast.IndexExpr, *ast.StarExpr:
		return true
	case *ast.Ident:
		v, ok := g.pkg.TypesInfo.Uses[x].(*types.Var)
		return ok && v.Parent() == g.pkg.Types.Scope()
	}
	return false
}

// assignKind returns what an assignment releases, "" if nothing.
func (g *generator) assignKind(left, right ast.Expr) Kind {
	switch {
	case !g.outlives(left):
		return ""
	case g.isZero(right):
		return Zero
	case g.cutsOut(left, right):
		return Unlink
	}
	return ""
}

func (g *generator) isZero(x ast.Expr) bool {
	x = ast.Unparen(x)
	if v := g.pkg.TypesInfo.Types[x]; v.IsNil() {
		return true
	} else if v.Value != nil {
		text := v.Value.ExactString()
		return text == "0" || text == "false" || text == `""`
	}
	literal, ok := x.(*ast.CompositeLit)
	return ok && len(literal.Elts) == 0 && !g.isEmptyStruct(literal)
}

// isEmptyStruct reports whether a value has no room: assigning it makes an entry of a set.
func (g *generator) isEmptyStruct(x ast.Expr) bool {
	s, ok := g.pkg.TypesInfo.TypeOf(x).Underlying().(*types.Struct)
	return ok && s.NumFields() == 0
}

// cutsOut reports whether an assignment makes a collection smaller: x = x[1:],
// x = append(x[:i], x[i+1:]...), x = slices.Delete(x, ...), or a.next = b.next.
func (g *generator) cutsOut(left, right ast.Expr) bool {
	name := types.ExprString(left)
	switch r := ast.Unparen(right).(type) {
	case *ast.SliceExpr:
		return types.ExprString(r.X) == name
	case *ast.CallExpr:
		if len(r.Args) == 0 {
			return false
		}
		first, isSlice := ast.Unparen(r.Args[0]).(*ast.SliceExpr)
		of := types.ExprString(r.Fun)
		return of == "append" && isSlice && types.ExprString(first.X) == name && r.Ellipsis.IsValid() ||
			(of == "slices.Delete" || of == "slices.DeleteFunc") && types.ExprString(r.Args[0]) == name
	case *ast.SelectorExpr:
		l, ok := left.(*ast.SelectorExpr)
		_, pointer := g.pkg.TypesInfo.TypeOf(right).Underlying().(*types.Pointer)
		return ok && pointer && l.Sel.Name == r.Sel.Name && types.Identical(g.pkg.TypesInfo.TypeOf(l.X), g.pkg.TypesInfo.TypeOf(r.X))
	}
	return false
}
