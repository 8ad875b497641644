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

// counterPlaces holds the lines at which a counter changes.
type counterPlaces struct {
	up, down  []verdict.Site
	unbooked  []verdict.Site // where companion, which changes with it elsewhere, changes alone
	companion string
	stale     bool
}

// places returns the lines that change a field. below means that the field ended too low.
func (p *sourcePackage) places(f fieldRef, below bool) counterPlaces {
	found := counterPlaces{stale: p.stale}
	field := p.declared(f.owner, f.name)
	if field == nil {
		return found
	}
	changes := p.changes[field]
	if f.keeper != nil {
		changes = p.keeperChanges(field, f.keeper)
	}
	var set []verdict.Site
	for _, c := range changes {
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
	found.unbooked, found.companion = p.unbooked(field, changes, below)
	return found
}

// declared returns the declaration of a field in the source, nil if there is none.
func (p *sourcePackage) declared(owner reflect.Type, name string) *types.Var {
	t := p.pkg.Scope().Lookup(genericName(owner))
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

// genericName returns the name of a type without its type arguments.
func genericName(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return name
}

// mostCallers bounds how many callers up follow goes.
const mostCallers = 3

// follow calls add with the line and the sign of a change. If the amount is a parameter of
// the function, it follows the calls of that function instead, because their arguments
// decide the sign.
func (p *sourcePackage) follow(at token.Pos, fn *ast.FuncDecl, amount ast.Expr, sign, depth int, add func(verdict.Site, int)) {
	function, _ := p.info.Defs[fn.Name].(*types.Func)
	i := p.parameter(function, amount)
	if i < 0 || depth == mostCallers || len(p.calls[function]) == 0 {
		add(p.site(at, fn), sign)
		return
	}
	for _, c := range p.calls[function] {
		if i >= len(c.call.Args) {
			continue
		}
		bare, flip := p.strip(c.call.Args[i])
		p.follow(c.call.Pos(), c.fn, bare, sign*flip, depth+1, add)
	}
}

// parameter returns the index of the parameter that an amount is, or -1.
func (p *sourcePackage) parameter(function *types.Func, amount ast.Expr) int {
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

// unbooked finds a companion of a counter: a number that goes up by the same amount wherever
// the counter does, and comes down with it in at least one place. It returns the places
// where the companion changes and the counter does not, for example where bytes leave a
// queue but not the sum of all queues.
func (p *sourcePackage) unbooked(field *types.Var, changes []*change, below bool) (sites []verdict.Site, companion string) {
	forgotten := -1 // the direction in which the counter was not changed
	if below {
		forgotten = 1
	}
	for _, other := range slices.SortedFunc(maps.Keys(p.changes), byPosition) {
		if other == field {
			continue
		}
		together, byDelta := p.together(changes, other)
		if !together {
			continue
		}
		for _, c := range p.changes[other] {
			if (c.sign == forgotten || byDelta && c.sign == 0) && !changedIn(c.block, changes) {
				sites = append(sites, p.site(c.at, c.fn))
			}
		}
		if sites != nil {
			return sites, other.Name()
		}
	}
	return nil, ""
}

// together reports whether another field goes up and down as the counter does. byDelta
// means that somewhere the counter changes by the difference of the other: count(v - x.f)
// beside x.f = v, which is up or down.
func (p *sourcePackage) together(changes []*change, other *types.Var) (together, byDelta bool) {
	ups, downs := 0, 0
	for _, c := range changes {
		same := slices.ContainsFunc(p.changes[other], func(o *change) bool { return beside(c, o) && isSame(c, o) })
		delta := slices.ContainsFunc(p.changes[other], func(o *change) bool { return beside(c, o) && isDelta(c, o) })
		switch {
		case delta:
			byDelta = true
			ups, downs = ups+1, downs+1
		case c.sign > 0 && !same:
			return false, false
		case c.sign > 0:
			ups++
		case c.sign < 0 && same:
			downs++
		}
	}
	return ups > 0 && downs > 0, byDelta
}

// beside reports whether two changes are in one block, or one in a block within that of the
// other.
func beside(c, o *change) bool {
	return c.fn == o.fn && (within(c.block, o.block) || within(o.block, c.block))
}

func isSame(c, o *change) bool { return c.sign == o.sign && amountText(c) == amountText(o) }

// isDelta reports whether c is count(v - x.f) and o is x.f = v.
func isDelta(c, o *change) bool {
	return o.sign == 0 && c.sign != 0 && amountText(c) == amountText(o)+" - "+types.ExprString(o.target)
}

func amountText(c *change) string {
	if c.amount == nil {
		return "1"
	}
	return types.ExprString(c.amount)
}

// changedIn reports whether one of the changes is in a block or one within it.
func changedIn(block ast.Node, changes []*change) bool {
	return slices.ContainsFunc(changes, func(c *change) bool { return within(block, c.block) })
}

func within(outer, inner ast.Node) bool {
	return outer.Pos() <= inner.Pos() && inner.End() <= outer.End()
}
