package source

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// counterPlaces is where a counter changes.
type counterPlaces struct {
	up, down  []verdict.Site
	unbooked  []verdict.Site // where a number that changes with it elsewhere changes alone
	companion string
	stale     bool
}

// places returns where a field is changed; below says that it ended up too low.
func (p *counterPackage) places(f counterField, below bool) counterPlaces {
	found := counterPlaces{stale: p.stale}
	field := p.declared(f.owner, f.name)
	if field == nil {
		return found
	}
	var set []verdict.Site
	for _, c := range p.changes[field] {
		p.follow(c.at, c.fn, c.amount, c.sign, 0, func(s verdict.Site, sign int) {
			list := map[int]*[]verdict.Site{1: &found.up, -1: &found.down, 0: &set}[sign]
			if !slices.Contains(*list, s) {
				*list = append(*list, s)
			}
		})
	}
	if len(found.up) == 0 {
		found.up = set
	}
	found.unbooked, found.companion = p.unbooked(field, below)
	return found
}

// declared returns the field of a type, as the source has it.
func (p *counterPackage) declared(owner reflect.Type, name string) *types.Var {
	generic, _, _ := strings.Cut(owner.Name(), "[")
	t := p.pkg.Scope().Lookup(generic)
	if t == nil {
		return nil
	}
	s, ok := t.Type().Underlying().(*types.Struct)
	if !ok {
		return nil
	}
	for f := range s.Fields() {
		if f.Name() == name {
			return f
		}
	}
	return nil
}

// mostCallers bounds how far up an amount is followed that is a parameter.
const mostCallers = 3

// follow tells where an amount comes from: where it is the parameter of a function,
// the calls of that, which say whether it is more or less.
func (p *counterPackage) follow(at token.Pos, fn *ast.FuncDecl, amount ast.Expr, sign, depth int, tell func(verdict.Site, int)) {
	function, _ := p.info.Defs[fn.Name].(*types.Func)
	i := p.parameter(function, amount)
	if i < 0 || depth == mostCallers || len(p.calls[function]) == 0 {
		tell(p.site(at, fn), sign)
		return
	}
	for _, c := range p.calls[function] {
		if i >= len(c.call.Args) {
			continue
		}
		bare, flip := p.strip(c.call.Args[i])
		p.follow(c.call.Pos(), c.fn, bare, sign*flip, depth+1, tell)
	}
}

// parameter returns which parameter of the function an amount is, or -1.
func (p *counterPackage) parameter(function *types.Func, amount ast.Expr) int {
	name, ok := amount.(*ast.Ident)
	if !ok || function == nil {
		return -1
	}
	params := function.Signature().Params()
	for i := range params.Len() {
		if p.info.Uses[name] == types.Object(params.At(i)) {
			return i
		}
	}
	return -1
}

// unbooked finds a number that goes up by the same amount wherever the counter
// does and comes down with it in at least one place, and the places where it
// changes and the counter does not: bytes taken out of a queue but not of the sum
// of all queues.
func (p *counterPackage) unbooked(field *types.Var, below bool) (sites []verdict.Site, companion string) {
	wrong := -1 // the direction in which the counter was forgotten
	if below {
		wrong = 1
	}
	byPosition := func(a, b *types.Var) int { return cmp.Compare(a.Pos(), b.Pos()) }
	for _, other := range slices.SortedFunc(maps.Keys(p.changes), byPosition) {
		if other == field || !p.together(field, other) {
			continue
		}
		for _, c := range p.changes[other] {
			if c.sign == wrong && !p.changedIn(c.block, field) {
				sites = append(sites, p.site(c.at, c.fn))
			}
		}
		if sites != nil {
			return sites, other.Name()
		}
	}
	return nil, ""
}

// together reports whether another field goes up and down as the counter does.
func (p *counterPackage) together(field, other *types.Var) bool {
	beside := func(c, o *counterChange) bool {
		return c.fn == o.fn && c.sign == o.sign && amountText(c) == amountText(o) && (within(c.block, o.block) || within(o.block, c.block))
	}
	ups, downs := 0, 0
	for _, c := range p.changes[field] {
		has := slices.ContainsFunc(p.changes[other], func(o *counterChange) bool { return beside(c, o) })
		switch {
		case c.sign > 0 && !has:
			return false
		case c.sign > 0:
			ups++
		case c.sign < 0 && has:
			downs++
		}
	}
	return ups > 0 && downs > 0
}

func amountText(c *counterChange) string {
	if c.amount == nil {
		return "1"
	}
	return types.ExprString(c.amount)
}

// changedIn reports whether a field changes in a block or one within it.
func (p *counterPackage) changedIn(block ast.Node, field *types.Var) bool {
	return slices.ContainsFunc(p.changes[field], func(c *counterChange) bool { return within(block, c.block) })
}

func within(outer, inner ast.Node) bool {
	return outer.Pos() <= inner.Pos() && inner.End() <= outer.End()
}
