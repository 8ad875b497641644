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

// ExplainInserts adds to findings about collections where the source puts
// things in: the first statement as Stored, all in the detail. Of a map of plain
// values that is all there is to say, for no line of the project's allocates what it
// holds. It reads the source as counters do, and sees statements that name the
// field: what goes through an alias, or in by a function that was given the map, it
// does not. An interface on the way ends the search.
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

// collectionIn finds the field at the end of a path of Census.
func collectionIn(roots map[string]any, path string) (counterField, bool) {
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
	return counterField{}, false
}

// followCensus goes down a path of .field, [*] and [key] to its last field.
func followCensus(t reflect.Type, path string) (at counterField, ok bool) {
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
			at = counterField{owner: t, name: f.Name}
			t = f.Type
		default:
			return at, false
		}
	}
	return at, at.owner != nil && at.owner.Name() != ""
}

// insertsInto returns the statements that put into a field, in the order of the
// source.
func (p *counterPackage) insertsInto(f counterField) []verdict.Site {
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

// inserters are methods of collections of the standard library that put in.
var inserters = []string{"Store", "LoadOrStore", "Swap", "PushBack", "PushFront", "InsertBefore", "InsertAfter"}

// insertedBy returns the collections that a statement or call puts into.
func (p *counterPackage) insertedBy(n ast.Node) (fields []*types.Var) {
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

func (p *counterPackage) isMap(e ast.Expr) bool {
	t := p.info.Types[e].Type
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// isAppend reports whether an expression is a slice made longer.
func (p *counterPackage) isAppend(e ast.Expr) bool {
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

// isCut reports whether append(q[:i], q[j:]...) takes elements out.
func isCut(call *ast.CallExpr) bool {
	if !call.Ellipsis.IsValid() {
		return false
	}
	to, cut := call.Args[0].(*ast.SliceExpr)
	from, rest := call.Args[1].(*ast.SliceExpr)
	return cut && rest && types.ExprString(to.X) == types.ExprString(from.X)
}
