package harness_test

import (
	"os"

	"github.com/pigeonhub/pigeonhub/harness/heap"
)

// init records all allocations, except in the children of inside: most programs do not.
func init() {
	if os.Getenv(insideVariable) == "" {
		heap.RecordAll()
	}
}
