package detect

import (
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/stack"
)

// own names the functions of this package that readings look for in stacks. The names
// are taken from the functions, so that a function that moves is still found.
var own struct{ readGoroutines, measure string }

// init fills own: these functions use the table, which an initializer may not.
func init() {
	own.readGoroutines = stack.FuncName((*goroutineReader).read)
	own.measure = stack.FuncName((*Footprint).Measure)
	heap.OmitFramesOf((*Watch).Explain, (*Watch).Findings)
}
