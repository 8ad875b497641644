package harness

import (
	"cmp"
	"context"
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

// heapProfile returns what lives at each site, after a collection. All detectors
// of a reading share the profile.
func (r *Reading) heapProfile(ctx context.Context) (map[*heapSite]heapCount, error) {
	if r.heap != nil {
		return r.heap, nil
	}
	if err := untried(); err != nil {
		return nil, err
	}
	gaps, err := heapGaps()
	if err != nil {
		return nil, err
	}
	if err := r.Collect(ctx); err != nil {
		return nil, err
	}
	heap, err := readHeap()
	if err = cmp.Or(err, noHeapGapSince(gaps)); err != nil {
		return nil, err
	}
	r.heap, r.gaps = heap, gaps
	return heap, nil
}

// heapProfileSince is heapProfile for a comparison with a baseline, until which there
// had been so many gaps.
func (r *Reading) heapProfileSince(ctx context.Context, gaps uint64) (map[*heapSite]heapCount, error) {
	heap, err := r.heapProfile(ctx)
	if err != nil {
		return nil, err
	}
	if r.gaps != gaps {
		return nil, ErrHeapGap
	}
	return heap, nil
}

// readHeap reads the profile as of the last collection.
func readHeap() (map[*heapSite]heapCount, error) {
	var records []runtime.MemProfileRecord
	n, ok := runtime.MemProfile(nil, true)
	for !ok {
		records = make([]runtime.MemProfileRecord, n+n/8+64)
		n, ok = runtime.MemProfile(records, true)
	}
	siteCache.Lock()
	defer siteCache.Unlock()
	counts := make(map[*heapSite]heapCount)
	var seen int64
	for i := range records[:n] {
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

// siteOfLocked returns the site of a stack, nil if it is the runtime's or ours.
func siteOfLocked(pcs []uintptr) *heapSite {
	s := &heapSite{kind: newObject}
	var inner []string // the runtime's
	for frames := runtime.CallersFrames(pcs); ; {
		f, more := frames.Next()
		if !stack.IsRuntime(f.Function) {
			siteCache.lines[codeLine{f.File, f.Line}] = verdict.Site{Function: f.Function, File: f.File, Line: f.Line}
		}
		switch {
		case len(s.stack) == 0 && stack.IsRuntime(f.Function):
			// The outermost is the function that the compiler calls for the line.
			s.kind = f.Function
			inner = append(inner, f.Function)
		case f.Function != "runtime.goexit":
			s.stack = append(s.stack, verdict.Site{Function: f.Function, File: f.File, Line: f.Line})
		}
		if !more {
			break
		}
	}
	if len(s.stack) == 0 || slices.ContainsFunc(inner, isBenignRuntime) || isMapTable(inner) {
		return nil
	}
	if s.stack[0].Function == own.plantCanary {
		s.kind, s.key = canaryKind, canaryKind
		return s
	}
	own := stack.ProjectFrame(s.stack)
	s.born = s.stack[own]
	if stack.IsInstrument(s.born.Function) && !isPlanted(s.born.Function) || isBenignLibrary(s.stack) {
		return nil
	}
	s.key = s.kind + "\n" + stack.Text(s.stack[:own+1])
	if caller := stack.CallerOf(s.stack, s.born); caller != (verdict.Site{}) {
		s.key += "\n" + caller.String() // one caller may forget what the others do not
	}
	return s
}
