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
	companion string         // a number that changes with it
	unbooked  []verdict.Site // where the companion changes alone
	lone      []verdict.Site // where the counter changes alone
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
	p.addAlone(&found, field, changes, below)
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

// A companion of a counter is a number that goes up by the same amount, and comes down by the
// same amount, in at least one place each: the bytes of one queue beside those of all queues.
// Where only one of the two changes, the other was probably forgotten.

// pairing says where a counter and another number change together.
type pairing struct {
	ups, downs int
	byDelta    bool      // the counter changes by the difference of the other: count(v - x.f) beside x.f = v
	alone      []*change // of the counter
}

func (p *sourcePackage) pair(changes []*change, other *types.Var) (found pairing) {
	for _, c := range changes {
		same := slices.ContainsFunc(p.changes[other], func(o *change) bool { return beside(c, o) && isSame(c, o) })
		delta := slices.ContainsFunc(p.changes[other], func(o *change) bool { return beside(c, o) && isDelta(c, o) })
		switch {
		case delta: // up or down
			found.byDelta = true
			found.ups, found.downs = found.ups+1, found.downs+1
		case c.sign == 0:
		case !same:
			found.alone = append(found.alone, c)
		case c.sign > 0:
			found.ups++
		default:
			found.downs++
		}
	}
	return found
}

// addAlone adds the places at which the counter and its companion do not change together. It
// prefers a companion that goes up wherever the counter does, and the places where that one
// changes alone.
func (p *sourcePackage) addAlone(found *counterPlaces, field *types.Var, changes []*change, below bool) {
	drift := 1
	if below {
		drift = -1
	}
	for _, other := range slices.SortedFunc(maps.Keys(p.changes), byPosition) {
		if other == field {
			continue
		}
		pair := p.pair(changes, other)
		if pair.ups == 0 || pair.downs == 0 {
			continue
		}
		if !slices.ContainsFunc(pair.alone, func(c *change) bool { return c.sign > 0 }) {
			for _, c := range p.changes[other] {
				if (c.sign == -drift || pair.byDelta && c.sign == 0) && !changedIn(c.block, changes) {
					found.unbooked = append(found.unbooked, p.site(c.at, c.fn))
				}
			}
		}
		if found.unbooked != nil {
			found.companion, found.lone = other.Name(), nil
			return
		}
		if found.lone != nil {
			continue
		}
		found.companion = other.Name()
		for _, c := range pair.alone {
			if c.sign == drift && !below { // any place may give back too often
				found.lone = append(found.lone, p.site(c.at, c.fn))
			}
		}
	}
}

// beside reports whether two changes are in one block, or one in a block within that of the
// other.
func beside(c, o *change) bool {
	return c.fn == o.fn && (within(c.block, o.block) || within(o.block, c.block))
}

// isSame reports whether both change by the same amount. count(-x.f) beside x.f = 0 is the
// same amount, too.
func isSame(c, o *change) bool {
	if c.sign != o.sign {
		return false
	}
	return amountText(c) == amountText(o) || c.sign < 0 && amountText(o) == "0" && amountText(c) == types.ExprString(o.target)
}

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
