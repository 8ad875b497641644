package heap

import (
	"reflect"

	"github.com/pigeonhub/pigeonhub/harness/stack"
)

// own holds the names of functions of this package that a profile or a dump may show. They
// come from the function values, so that a function that is moved is still found.
var own struct {
	plantCanary, stopTimers string
	askers                  []string // see OmitFramesOf
}

// init fills own. An initializer may not, because these functions use own.
func init() {
	own.plantCanary = stack.FuncName(plantCanary)
	own.stopTimers = stack.FuncName((*timerFlusher).stopTimers)
	OmitFramesOf(Retainers, Explain)
}

// OmitFramesOf makes Retainers ignore the frames of these functions and of those that they
// call. It is for functions that call Retainers, whose frames hold the objects. Call it from an
// init function.
func OmitFramesOf(functions ...any) {
	for _, f := range functions {
		own.askers = append(own.askers, stack.FuncName(f))
	}
}

// packagePath is the import path of this package.
var packagePath = reflect.TypeFor[Object]().PkgPath()
