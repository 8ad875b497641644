package harness

import (
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"reflect"
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
	own.plantObject = stack.FuncName(plantObject)
	own.plantTimer = stack.FuncName(plantTimer)
	own.grow = stack.FuncName((*plant).grow)
	own.plantCanary = stack.FuncName(plantCanary)
	own.stopTimers = stack.FuncName((*timerFlusher).stopTimers)
	own.readGoroutines = stack.FuncName((*goroutineReader).read)
	own.measure = stack.FuncName((*Footprint).Measure)
	own.asksForRetainers = []string{
		stack.FuncName(Retainers), stack.FuncName(Explain),
		stack.FuncName((*Campaign).conclude), stack.FuncName((*Watch).Explain), stack.FuncName((*Watch).Findings),
	}
}

// ownPath is the import path of this package.
var ownPath = reflect.TypeFor[Object]().PkgPath()
