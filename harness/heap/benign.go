package heap

import (
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// benignRuntime are the allocations of the runtime that grow and shrink by
// themselves, by the beginning of a function's name. None of them holds an object
// of the program that is not held by something else, too.
var benignRuntime = []string{
	// A goroutine that waits on a channel or a lock takes a sudog from a cache
	// that is refilled when it runs low and never emptied below half.
	"runtime.acquireSudog",
	// Goroutine and thread descriptors are reused, never freed: they follow the
	// highest number there ever was. So do the lists that hold them.
	"runtime.malg", "runtime.newproc", "runtime.allgadd", "runtime.allocm", "runtime.newm", "runtime.mstart", "runtime.startm",
	// Deferred calls that do not fit on the stack come from a pool.
	"runtime.newdefer", "runtime.deferproc",
	// The heap of timers is a slice for each processor that follows the peak.
	"runtime.(*timers)",
}

// mapPackage allocates maps. A map keeps the tables of its peak and splits and rehashes
// them when the keys fall so. A map that grows without end is Census's to find; what
// its elements point to is found at its own line. The header is made once for each map,
// and counts.
const mapPackage = "internal/runtime/maps."

// mapMakers allocate the header of a map, and call others for all else but slices.
var mapMakers = []string{mapPackage + "NewEmptyMap", mapPackage + "NewMap", mapPackage + "(*Map).Clone"}

// benignLibrary are allocations of the standard library of the same nature.
var benignLibrary = []string{
	// A pool's own tables: a slot for each processor, rings that follow the peak.
	// What lies in a pool is gone after two collections.
	"sync.(*Pool).pin", "sync.(*Pool).pinSlow", "sync.(*poolChain).", "sync.poolCleanup",
	// Profiles, metrics and their names: made when somebody looks, as we do.
	"runtime/pprof.", "runtime/metrics.", "runtime/debug.",
	// A pipe in memory does not stop the timers of its deadlines when it is closed:
	// they stay until they fire. It is the pipe they hold, nothing of its user.
	"net.(*pipeDeadline).",
	// The test framework notes each test, its output and its clean-ups.
	"testing.",
}

// isMapTable reports whether the runtime's frames, the innermost first, allocate what a
// map keeps its elements in.
func isMapTable(frames []string) bool {
	i := slices.IndexFunc(frames, func(f string) bool { return strings.HasPrefix(f, mapPackage) })
	return i == 0 || i > 0 && (frames[i-1] != newObject || !slices.Contains(mapMakers, frames[i]))
}

func IsBenignRuntime(function string) bool {
	return slices.ContainsFunc(benignRuntime, func(p string) bool { return strings.HasPrefix(function, p) })
}

// IsBenignLibrary looks at the frames of the library at the inner end only: what
// user code allocates while the library calls it is its own.
func IsBenignLibrary(frames []verdict.Site) bool {
	for _, f := range frames {
		if !stack.IsStandard(f) {
			return false
		}
		if slices.ContainsFunc(benignLibrary, func(p string) bool { return strings.HasPrefix(f.Function, p) }) {
			return true
		}
	}
	return false
}
