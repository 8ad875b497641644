package detect

import (
	"reflect"
	"strings"
)

// censusPath is where the walk is: a field, element or key below another place.
// All values that share it are counted together.
type censusPath struct {
	parent *censusPath
	step   censusStep
	text   string
	below  map[censusStep]*censusPath
	shut   bool // counted, but not looked into
}

// censusStep is a step down: from which type, by which field, or (negative) as an
// element or key, or to what an interface holds.
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

// isChildren reports whether a path ends in the children of contexts.
func isChildren(path string) bool {
	return strings.HasSuffix(path, ".children") && strings.Contains(path, "(*context.")
}

// down returns the place one step down. A step that was taken before on the way
// here is recursion, by a list or a tree: it leads back to the place it led to
// then, so that there are no more places than types have fields.
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
