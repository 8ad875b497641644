package detect

import (
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/stack"
)

// own holds the names of functions of this package that readings look for in stacks. They
// come from the function values, so that a function that is moved is still found.
var own struct{ readGoroutines, measure string }

// init fills own. An initializer may not, because these functions use own.
func init() {
	own.readGoroutines = stack.FuncName((*goroutineReader).read)
	own.measure = stack.FuncName((*Footprint).Measure)
	heap.OmitFramesOf((*Watch).Explain, (*Watch).Findings)
}
