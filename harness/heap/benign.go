package heap

import (
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// benignRuntime holds prefixes of runtime functions whose allocations grow and shrink by
// themselves. None of them alone retains an object of the program.
var benignRuntime = []string{
	// A goroutine that waits on a channel or a lock takes a sudog from a cache, which is
	// never emptied below half.
	"runtime.acquireSudog",
	// Goroutine and thread descriptors are reused and never freed. They follow the highest
	// number that there ever was, and so do the lists that hold them.
	"runtime.malg", "runtime.newproc", "runtime.allgadd", "runtime.allocm", "runtime.newm", "runtime.mstart", "runtime.startm",
	// Deferred calls that do not fit on the stack come from a pool.
	"runtime.newdefer", "runtime.deferproc",
	// The heap of timers is a slice for each processor. It follows the peak.
	"runtime.(*timers)",
}

// mapPackage allocates maps. The tables of a map do not count, because they follow its peak
// and the hashes of its keys. Census finds a map that grows, and its elements count at their
// own lines. The header of a map counts.
const mapPackage = "internal/runtime/maps."

// mapMakers allocate the header of a map. Other functions allocate the rest but slices.
var mapMakers = []string{mapPackage + "NewEmptyMap", mapPackage + "NewMap", mapPackage + "(*Map).Clone"}

// benignLibrary are allocations of the standard library of the same nature.
var benignLibrary = []string{
	// The tables of a pool: a slot for each processor, rings that follow the peak. The
	// elements of a pool are gone after two collections.
	"sync.(*Pool).pin", "sync.(*Pool).pinSlow", "sync.(*poolChain).", "sync.poolCleanup",
	// Profiles, metrics and their names, which a reading allocates.
	"runtime/pprof.", "runtime/metrics.", "runtime/debug.",
	// A net.Pipe does not stop the timers of its deadlines when it is closed. They hold the
	// pipe until they fire, and nothing of its user.
	"net.(*pipeDeadline).",
	// The test framework records each test, its output and its clean-ups.
	"testing.",
}

// isMapTable reports whether the runtime's frames, innermost first, allocate a table of a map.
func isMapTable(frames []string) bool {
	i := slices.IndexFunc(frames, func(f string) bool { return strings.HasPrefix(f, mapPackage) })
	return i == 0 || i > 0 && (frames[i-1] != newObject || !slices.Contains(mapMakers, frames[i]))
}

// IsBenignRuntime reports whether an allocation of a runtime function does not count.
func IsBenignRuntime(function string) bool {
	return slices.ContainsFunc(benignRuntime, func(p string) bool { return strings.HasPrefix(function, p) })
}

// IsBenignLibrary reports whether an allocation of the standard library does not count. It
// stops at the innermost frame of other code, whose allocations are its own.
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
