package harness

import (
	"reflect"

	"github.com/pigeonhub/pigeonhub/harness/stack"
)

// ownHeap names the functions of this package that a profile or a dump may show. The names
// are taken from the functions, so that a function that moves is still found.
var ownHeap struct {
	plantCanary, stopTimers string
	askers                  []string // see OmitFramesOf
}

// init fills own: these functions use the table, which an initializer may not.
func init() {
	ownHeap.plantCanary = stack.FuncName(plantCanary)
	ownHeap.stopTimers = stack.FuncName((*timerFlusher).stopTimers)
	omitFramesOf(Retainers, Explain)
}

// omitFramesOf makes paths not begin in the frames of these functions, nor in those that
// they call. It is for functions that ask for retainers: their frames hold what they ask
// about. Call it from an init function.
func omitFramesOf(functions ...any) {
	for _, f := range functions {
		ownHeap.askers = append(ownHeap.askers, stack.FuncName(f))
	}
}

// heapPath is the import path of this package.
var heapPath = reflect.TypeFor[Object]().PkgPath()
