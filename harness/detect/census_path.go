package detect

import (
	"reflect"
	"strings"
)

// censusPath is a place in the walk: a field, element or key below another place. All values
// at one place are counted together.
type censusPath struct {
	parent *censusPath
	step   censusStep
	text   string
	below  map[censusStep]*censusPath
	shut   bool // counted, but the walk does not enter it
}

// censusStep is a step down from a type: to a field, or, if negative, to an element, a key or
// the value in an interface.
type censusStep struct {
	from  reflect.Type
	field int
	to    reflect.Type // of the value in an interface
}

const (
	stepElem = -1 - iota
	stepKey
	stepDynamic
)

// isChildren reports whether a path ends in the children of a context.
func isChildren(path string) bool {
	return strings.HasSuffix(path, ".children") && strings.Contains(path, "(*context.")
}

// down returns the place one step down. A step that was taken before on the way here is
// recursion, as in a list or tree. It returns the place that the step led to then, so the
// number of places is bounded by the fields of types.
func (p *censusPath) down(step censusStep, label string) (next *censusPath, again bool) {
	for a := p; a != nil; a = a.parent {
		if a.step == step {
			return a, true
		}
	}
	next = p.below[step]
	if next == nil {
		next = &censusPath{parent: p, step: step, text: p.text + label}
		if p.below == nil {
			p.below = map[censusStep]*censusPath{}
		}
		p.below[step] = next
	}
	return next, false
}
