// Package heap reads the heap of the running process: how many objects each line of the
// program has, and what keeps an object alive.
//
//	func init() { heap.RecordAll() }
//
//	before, err := heap.ReadProfile() // after heap.Collect
//	...
//	object, err := heap.ObjectOf(session)
//	found, tier, err := heap.Retainers(ctx, "", map[string]any{"hub": hub}, []heap.Object{object})
//	fmt.Println(found[0].Path) // hub.Hub.networks["n-17"].members["ab12…"]
//
// It knows nothing of detectors and hubs. It depends on how the Go runtime works inside;
// with a release that its tests have not tried it returns ErrUntriedRuntime.
//
// # The exact profile
//
// After RecordAll the runtime records every allocation, so that ReadProfile counts the live
// objects of each line exactly. PauseRecording makes a gap, and a comparison across a gap is
// an error. Allocations of the runtime, of the standard library's pools and of the harness
// itself do not count.
//
// # Retainers
//
// Retainers takes a heap dump and searches it breadth first for the shortest path from a
// root to each object. It searches the roots that the caller names first. Then come package
// variables, the stacks of goroutines, finalizers, and what the runtime holds, such as
// pending timers. Of several paths it returns the shortest one from the first kind of root.
//
// An element outside of the bounds of the slice that holds it has an index that says so:
// list[3, beyond its length 2]; queue[-1, before its start].
//
// How much the names say depends on the binary: see Tier. What the roots lead to and what is
// in interfaces, maps, timers, contexts and objects of more than 512 bytes is typed in every
// binary. Package variables and the variables that closures capture are typed only with
// DWARF, which "go test" leaves out without -ldflags=-w=0. The name of an object of unknown
// type is its size and, after RecordAll, the line that allocated it.
//
// Retainers does not see what only C or an unsafe.Pointer converted to a number holds. It
// does not know local variables: the name of a frame is its function and line. The path of
// an object that only a cleanup (runtime.AddCleanup) holds begins with "argument of a
// cleanup", or without RecordAll with "no root".
//
// On Linux a fork writes the dump, because the runtime of Go 1.26 may crash the process that
// writes it. The process itself stops only for the fork, some milliseconds; the fork takes
// about 15 ms for each MB of heap and stacks. On other systems all goroutines stop while the
// dump is written, and a goroutine that enters or leaves a system call then may crash the
// process: call Retainers when the target and the test are at rest.
//
// # Files
//
//	exact.go     RecordAll, PauseRecording
//	profile.go   the profile by line; benign.go: allocations that do not count
//	collect.go   Collect; timers.go has the runtime forget stopped timers
//	dump*.go     writes and parses a heap dump
//	retainers.go Retainers; search.go, roots.go, walk.go and places.go search,
//	             types.go, symbols.go, dwarf.go, binary.go, keys.go and names.go name the steps
//	explain.go   adds paths and scenarios to findings; origin*.go find the scenarios
//	own.go       functions of the harness that must not appear in results
//	tried.go     Go releases that the tests have tried
package heap
