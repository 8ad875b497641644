package harness

import (
	"reflect"

	"github.com/pigeonhub/pigeonhub/harness/stack"
)

// own names the functions of this package that readings look for in stacks. The names
// are taken from the functions, so that a function that moves is still found.
var own struct {
	plantedObject, plantedTimer, plantedStart, plantedWatched, plantedFile string

	plantCanary, stopTimers, readGoroutines, measure string
	asksForRetainers                                 []string
}

// init fills own: these functions use the table, which an initializer may not.
func init() {
	own.plantedObject = stack.FuncName(plantedObject)
	own.plantedTimer = stack.FuncName(plantedTimer)
	own.plantedStart = stack.FuncName(plantedStart)
	own.plantedWatched = stack.FuncName(plantedWatched)
	own.plantedFile = stack.FuncName(plantedFile)
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
