package heap

import (
	"reflect"

	"github.com/pigeonhub/pigeonhub/harness/stack"
)

// own names the functions of this package that a profile or a dump may show. The names
// are taken from the functions, so that a function that moves is still found.
var own struct {
	plantCanary, stopTimers string
	askers                  []string // see OmitFramesOf
}

// init fills own. An initializer may not, because these functions use the table.
func init() {
	own.plantCanary = stack.FuncName(plantCanary)
	own.stopTimers = stack.FuncName((*timerFlusher).stopTimers)
	OmitFramesOf(Retainers, Explain)
}

// OmitFramesOf makes paths not begin in the frames of these functions, nor in those that
// they call. It is for functions that ask for retainers: their frames hold what they ask
// about. Call it from an init function.
func OmitFramesOf(functions ...any) {
	for _, f := range functions {
		own.askers = append(own.askers, stack.FuncName(f))
	}
}

// packagePath is the import path of this package.
var packagePath = reflect.TypeFor[Object]().PkgPath()
