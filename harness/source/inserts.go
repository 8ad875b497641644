package source

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// ExplainInserts adds to findings about collections the statements that insert: the first
// one as Stored, all in the detail. For a map of plain values they are the only evidence,
// because no line of the project allocates its elements.
//
// It finds statements that name the field. It misses inserts through an alias, and those of a
// function that gets the map as a parameter. It does not follow interfaces.
func ExplainInserts(roots map[string]any, findings []verdict.Finding) {
	source := &Counters{Roots: roots}
	for i := range findings {
		f := &findings[i]
		field, ok := collectionIn(roots, f.Field)
		if f.Class != verdict.Collection || !ok {
			continue
		}
		pkg := source.load(field)
		if pkg == nil {
			continue
		}
		if places := pkg.insertsInto(field); len(places) > 0 {
			f.Stored = places[0]
			f.Detail += strings.TrimPrefix(ListPlaces("; put in at ", places), "; ") + "\n"
		}
	}
}

// collectionIn returns the field at the end of a path of Census.
func collectionIn(roots map[string]any, path string) (fieldRef, bool) {
	for _, name := range slices.Sorted(maps.Keys(roots)) {
		root := structOf(reflect.TypeOf(roots[name]))
		if root == nil {
			continue
		}
		for _, prefix := range []string{root.String() + "(" + name + ")", root.String()} {
			rest, ok := strings.CutPrefix(path, prefix)
			if !ok || rest == "" || rest[0] != '.' {
				continue
			}
			field, ok := followCensus(root, rest)
			field.root = root
			return field, ok
		}
	}
	return fieldRef{}, false
}

// followCensus follows a path of .field, [*] and [key] to its last field.
func followCensus(t reflect.Type, path string) (at fieldRef, ok bool) {
	for path != "" {
		step := path
		if end := strings.IndexAny(path[1:], ".["); end >= 0 {
			step = path[:end+1]
		}
		path = path[len(step):]
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch {
		case step == "[key]" && t.Kind() == reflect.Map:
			t = t.Key()
		case step == "[*]" && (t.Kind() == reflect.Map || t.Kind() == reflect.Slice || t.Kind() == reflect.Array):
			t = t.Elem()
		case step[0] == '.' && t.Kind() == reflect.Struct:
			f, found := t.FieldByName(step[1:])
			if !found {
				return at, false
			}
			at = fieldRef{owner: t, name: f.Name}
			t = f.Type
		default:
			return at, false
		}
	}
	return at, at.owner != nil && at.owner.Name() != ""
}

// insertsInto returns the statements that insert into a field, in the order of the source.
func (p *sourcePackage) insertsInto(f fieldRef) []verdict.Site {
	field := p.declared(f.owner, f.name)
	if field == nil {
		return nil
	}
	var sites []verdict.Site
	for _, c := range p.inserts[field] {
		if s := p.site(c.at, c.fn); !slices.Contains(sites, s) {
			sites = append(sites, s)
		}
	}
	return sites
}

// inserters names the methods with which collections of the standard library insert.
var inserters = []string{"Store", "LoadOrStore", "Swap", "PushBack", "PushFront", "InsertBefore", "InsertAfter"}

// insertedBy returns the fields that a statement or call inserts into.
func (p *sourcePackage) insertedBy(n ast.Node) (fields []*types.Var) {
	add := func(e ast.Expr) {
		if f := p.fieldOf(e); f != nil {
			fields = append(fields, f)
		}
	}
	entry := func(e ast.Expr) {
		if x, ok := ast.Unparen(e).(*ast.IndexExpr); ok && p.isMap(x.X) {
			add(x.X)
		}
	}
	switch n := n.(type) {
	case *ast.IncDecStmt:
		if n.Tok == token.INC {
			entry(n.X)
		}
	case *ast.AssignStmt:
		for i, target := range n.Lhs {
			if n.Tok != token.SUB_ASSIGN {
				entry(target)
			}
			if len(n.Lhs) == len(n.Rhs) && p.isAppend(n.Rhs[i]) {
				add(target)
			}
		}
	case *ast.SendStmt:
		add(n.Chan)
	case *ast.CallExpr:
		if fun, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains(inserters, fun.Sel.Name) {
			add(fun.X)
		}
	}
	return fields
}

func (p *sourcePackage) isMap(e ast.Expr) bool {
	t := p.info.Types[e].Type
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// isAppend reports whether an expression makes a slice longer.
func (p *sourcePackage) isAppend(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	switch name := types.ExprString(call.Fun); name {
	case "append":
		return len(call.Args) > 1 && !isCut(call)
	case "slices.Insert", "slices.Concat":
		return true
	}
	return false
}

// isCut reports whether a call is append(q[:i], q[j:]...), which removes elements.
func isCut(call *ast.CallExpr) bool {
	if !call.Ellipsis.IsValid() {
		return false
	}
	to, cut := call.Args[0].(*ast.SliceExpr)
	from, rest := call.Args[1].(*ast.SliceExpr)
	return cut && rest && types.ExprString(to.X) == types.ExprString(from.X)
}
