package harness

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// heapSite is a place that allocates: the line of the project's code, what it
// called to do so, and who called it from another package.
type heapSite struct {
	born  verdict.Site
	key   string
	kind  string         // the runtime's function that allocated: runtime.newobject, runtime.makeslice, ...
	stack []verdict.Site // of one of its allocations, without the runtime's innermost frames
}

// heapCount is what a site has.
type heapCount struct{ objects, bytes, frees int64 }

// made is how many objects a site has allocated.
func (c heapCount) made() int64 { return c.objects + c.frees }

// siteCache knows the site of every stack seen. The runtime never forgets a
// stack either, so that the cache is bounded by the runtime's own tables.
var siteCache = struct {
	sync.Mutex
	stacks map[[32]uintptr]*heapSite // nil for what is not worth knowing
	sites  map[string]*heapSite
	lines  map[codeLine]verdict.Site // of all stacks, with the function that the line is in
}{stacks: map[[32]uintptr]*heapSite{}, sites: map[string]*heapSite{}, lines: map[codeLine]verdict.Site{}}

// codeLine is a line of code.
type codeLine struct {
	file string
	line int
}

// heapProfile is what each site has, as of the last collection.
type heapProfile struct {
	sites map[*heapSite]heapCount
	gaps  uint64 // that there had been
}

// readHeapProfile reads the profile of the last collection. It fails if the profile is not
// exact.
func readHeapProfile() (*heapProfile, error) {
	if err := untried(); err != nil {
		return nil, err
	}
	gaps, err := heapGaps()
	if err != nil {
		return nil, err
	}
	sites, err := readSites()
	if err = cmp.Or(err, noHeapGapSince(gaps)); err != nil {
		return nil, err
	}
	return &heapProfile{sites, gaps}, nil
}

// since returns ErrHeapGap if allocations were not recorded for a time between before and p.
func (p *heapProfile) since(before *heapProfile) error {
	if p.gaps != before.gaps {
		return ErrHeapGap
	}
	return nil
}

// memRecords returns the records of the runtime's memory profile, with those of sites that
// have nothing left if all is set.
func memRecords(all bool) []runtime.MemProfileRecord {
	var records []runtime.MemProfileRecord
	n, ok := runtime.MemProfile(nil, all)
	for !ok {
		records = make([]runtime.MemProfileRecord, n+n/8+64)
		n, ok = runtime.MemProfile(records, all)
	}
	return records[:n]
}

// readSites counts what each site has.
func readSites() (map[*heapSite]heapCount, error) {
	records := memRecords(true)
	siteCache.Lock()
	defer siteCache.Unlock()
	counts := make(map[*heapSite]heapCount)
	var seen int64
	for i := range records {
		rec := &records[i]
		site, known := siteCache.stacks[rec.Stack0]
		if !known {
			site = resolveLocked(rec)
		}
		switch {
		case site == nil:
		case site.kind == canaryKind:
			seen += rec.InUseObjects()
		default:
			c := counts[site]
			c.objects += rec.InUseObjects()
			c.bytes += rec.InUseBytes()
			c.frees += rec.FreeObjects
			counts[site] = c
		}
	}
	if seen != canaries {
		return nil, fmt.Errorf("%w (it shows %d of %d objects)", ErrNotExact, seen, canaries)
	}
	return counts, nil
}

// inlined returns the place with the function that the line is in. A heap dump has
// the function into which that one was inlined.
func inlined(place verdict.Site) verdict.Site {
	siteCache.Lock()
	defer siteCache.Unlock()
	if s, ok := siteCache.lines[codeLine{place.File, place.Line}]; ok {
		return s
	}
	return place
}

const canaryKind = "canary"

// resolveLocked finds the site of a stack that is new to us.
func resolveLocked(rec *runtime.MemProfileRecord) *heapSite {
	site := siteOfLocked(rec.Stack())
	if site != nil {
		if known := siteCache.sites[site.key]; known != nil {
			site = known
		} else {
			siteCache.sites[site.key] = site
		}
	}
	siteCache.stacks[rec.Stack0] = site
	return site
}

// newObject is the function that the compiler calls to allocate one value. Since Go 1.27
// it calls one made for the size instead, for up to 80 bytes and without the race
// detector (specializedMallocSym in cmd/compile/internal/ssagen), and the profile leaves
// that out: a stack without a frame of the runtime's is one of newObject.
const newObject = "runtime.newobject"

// siteOfLocked returns the site of a stack, nil if it is the runtime's or the instrument's.
func siteOfLocked(pcs []uintptr) *heapSite {
	inner, frames := splitStack(pcs)
	for _, f := range frames {
		if !stack.IsRuntime(f.Function) {
			siteCache.lines[codeLine{f.File, f.Line}] = f
		}
	}
	if len(frames) == 0 || slices.ContainsFunc(inner, isBenignRuntime) || isMapTable(inner) {
		return nil
	}
	if frames[0].Function == ownHeap.plantCanary {
		return &heapSite{kind: canaryKind, key: canaryKind}
	}
	own := stack.ProjectFrame(frames)
	s := &heapSite{born: frames[own], kind: newObject, stack: frames}
	if stack.IsInstrument(s.born.Function) || isBenignLibrary(frames) {
		return nil
	}
	if len(inner) > 0 { // the outermost is the function that the compiler calls for the line
		s.kind = inner[len(inner)-1]
	}
	s.key = s.kind + "\n" + stack.Text(frames[:own+1])
	if caller := stack.CallerOf(frames, s.born); caller != (verdict.Site{}) {
		s.key += "\n" + caller.String() // one caller may forget what the others do not
	}
	return s
}

// splitStack returns the innermost frames, which are the runtime's, and the others.
func splitStack(pcs []uintptr) (inner []string, frames []verdict.Site) {
	for all := runtime.CallersFrames(pcs); ; {
		f, more := all.Next()
		switch {
		case len(frames) == 0 && stack.IsRuntime(f.Function):
			inner = append(inner, f.Function)
		case f.Function != "runtime.goexit":
			frames = append(frames, verdict.Site{Function: f.Function, File: f.File, Line: f.Line})
		}
		if !more {
			return inner, frames
		}
	}
}
