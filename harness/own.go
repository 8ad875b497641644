package harness

import (
	"reflect"
	"runtime"
)

// own names the functions of this package that readings look for in stacks. The names
// are taken from the functions, so that a function that moves is still found.
var own struct {
	plantObject, plantTimer, grow, plantCanary string
	stopTimers                                 string
	readGoroutines                             string
	measure                                    string
	asksForRetainers                           []string
}

// init fills own: these functions use the table, which an initializer may not.
func init() {
	own.plantObject = nameOf(plantObject)
	own.plantTimer = nameOf(plantTimer)
	own.grow = nameOf((*plant).grow)
	own.plantCanary = nameOf(plantCanary)
	own.stopTimers = nameOf((*timerFlusher).stopTimers)
	own.readGoroutines = nameOf((*goroutineReader).read)
	own.measure = nameOf((*Footprint).Measure)
	own.asksForRetainers = []string{
		nameOf(Retainers), nameOf(Explain),
		nameOf((*Campaign).conclude), nameOf((*Watch).Explain), nameOf((*Watch).Findings),
	}
}

// ownPath is the import path of this package.
var ownPath = reflect.TypeFor[Object]().PkgPath()

// ownPackages are the packages whose allocations and goroutines are the instrument's.
// The set is closed: a package below them may be the hub that is tested.
var ownPackages = map[string]bool{ownPath: true}

// isOwn reports whether a function belongs to the instrument.
func isOwn(function string) bool { return ownPackages[packageOf(function)] }

// nameOf returns the name of a function or method expression, as stacks have it.
func nameOf(function any) string {
	return runtime.FuncForPC(reflect.ValueOf(function).Pointer()).Name()
}
