package source

import (
	"cmp"
	"go/ast"
	"go/types"
	"maps"
	"reflect"
	"slices"
)

// A keeper is a small type whose methods keep a count in its numbers: a sum that is added to
// and taken from concurrently, for example, as the difference of two numbers. The line in a method
// explains nothing. The call of the method on a field is the place that counts.

// keeperChanges returns the changes of a field by the methods of its type, and those of its
// numbers by others.
func (p *sourcePackage) keeperChanges(field *types.Var, keeper reflect.Type) []*change {
	effects, negative := p.effects(keeper), p.negative(keeper)
	if len(effects) == 0 && keeper.NumField() > 1 {
		return nil // several numbers, not one count
	}
	var changes []*change
	for i := range keeper.NumField() {
		number := p.declared(keeper, keeper.Field(i).Name)
		for _, c := range p.changes[number] {
			if p.within(c.target) != field {
				continue
			}
			direct := *c
			if negative[number] {
				direct.sign = -direct.sign
			}
			changes = append(changes, &direct)
		}
	}
	for _, method := range slices.SortedFunc(maps.Keys(effects), byPosition) {
		for _, c := range p.calls[method] {
			if on, ok := ast.Unparen(c.call.Fun).(*ast.SelectorExpr); ok && p.fieldOf(on.X) == field {
				changes = append(changes, p.applied(effects[method], c))
			}
		}
	}
	slices.SortFunc(changes, func(a, b *change) int { return cmp.Compare(a.at, b.at) })
	return changes
}

// within returns the field whose number an expression like x.field.number is, or nil.
func (p *sourcePackage) within(number ast.Expr) *types.Var {
	if sel, ok := ast.Unparen(number).(*ast.SelectorExpr); ok {
		return p.fieldOf(sel.X)
	}
	return nil
}

func byPosition[T types.Object](a, b T) int { return cmp.Compare(a.Pos(), b.Pos()) }

// effect is what a method does to the count of its receiver.
type effect struct {
	param  int      // the parameter that is the amount, or -1
	amount ast.Expr // if it is no parameter
	sign   int
}

// applied returns the change that a call makes.
func (p *sourcePackage) applied(e effect, c callSite) *change {
	made := &change{at: c.call.Pos(), fn: c.fn, block: c.block, amount: e.amount, sign: e.sign}
	if e.param >= 0 && e.param < len(c.call.Args) {
		bare, flip := p.strip(c.call.Args[e.param])
		made.amount, made.sign = bare, e.sign*flip
	}
	return made
}

// effects returns the methods of a keeper that change its count. Where a method has a
// branch for each direction, each adds the amount in its way: the first one counts.
func (p *sourcePackage) effects(keeper reflect.Type) map[*types.Func]effect {
	effects := map[*types.Func]effect{}
	negative := p.negative(keeper)
	for i := range keeper.NumField() {
		number := p.declared(keeper, keeper.Field(i).Name)
		for _, c := range p.changes[number] {
			sign := c.sign
			if negative[number] {
				sign = -sign
			}
			p.addEffect(effects, keeper, c.fn, c.amount, sign)
		}
	}
	for range mostCallers { // methods that call these
		for method, e := range maps.Clone(effects) {
			for _, c := range p.calls[method] {
				if on, ok := ast.Unparen(c.call.Fun).(*ast.SelectorExpr); ok && p.fieldOf(on.X) == nil {
					made := p.applied(e, c)
					p.addEffect(effects, keeper, c.fn, made.amount, made.sign)
				}
			}
		}
	}
	return effects
}

// addEffect notes that a function changes the count, if it is a method of the keeper.
func (p *sourcePackage) addEffect(effects map[*types.Func]effect, keeper reflect.Type, fn *ast.FuncDecl, amount ast.Expr, sign int) {
	method, ok := p.info.Defs[fn.Name].(*types.Func)
	if _, known := effects[method]; !ok || known || !p.isMethodOf(method, keeper) {
		return
	}
	effects[method] = effect{p.parameter(method, amount), amount, sign}
}

func (p *sourcePackage) isMethodOf(method *types.Func, t reflect.Type) bool {
	receiver := method.Signature().Recv()
	if receiver == nil {
		return false
	}
	of := types.Unalias(receiver.Type())
	if pointer, ok := of.(*types.Pointer); ok {
		of = types.Unalias(pointer.Elem())
	}
	named, ok := of.(*types.Named)
	return ok && named.Origin().Obj() == p.pkg.Scope().Lookup(genericName(t))
}

// negative returns the numbers of a keeper that its methods subtract: its count goes down
// when they go up.
func (p *sourcePackage) negative(keeper reflect.Type) map[*types.Var]bool {
	numbers := map[*types.Var]bool{}
	for i := range keeper.NumField() {
		numbers[p.declared(keeper, keeper.Field(i).Name)] = true
	}
	negative := map[*types.Var]bool{}
	for _, s := range p.sums {
		for _, f := range s.minus {
			negative[f] = negative[f] || numbers[f]
		}
	}
	return negative
}
