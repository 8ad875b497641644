package heap

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Site is a place that allocates: the line of the project's code, what it
// called to do so, and who called it from another package.
type Site struct {
	Born  verdict.Site
	Key   string
	Kind  string         // the runtime's function that allocated: runtime.newobject, runtime.makeslice, ...
	Stack []verdict.Site // of one of its allocations, without the runtime's innermost frames
}

// AllocatesItself reports whether the line makes a value itself, not in a call, nor a slice
// or a map.
func (s *Site) AllocatesItself() bool { return s.Kind == newObject && s.Stack[0] == s.Born }

// Count is what a site has.
type Count struct{ Objects, Bytes, Frees int64 }

// Made is how many objects a site has allocated.
func (c Count) Made() int64 { return c.Objects + c.Frees }

// siteCache knows the site of every stack seen. The runtime never forgets a
// Stack either, so that the cache is bounded by the runtime's own tables.
var siteCache = struct {
	sync.Mutex
	stacks map[[32]uintptr]*Site // nil for what is not worth knowing
	sites  map[string]*Site
	lines  map[codeLine]verdict.Site // of all stacks, with the function that the line is in
}{stacks: map[[32]uintptr]*Site{}, sites: map[string]*Site{}, lines: map[codeLine]verdict.Site{}}

// codeLine is a line of code.
type codeLine struct {
	file string
	line int
}

// Profile is what each site has, as of the last collection.
type Profile struct {
	Sites map[*Site]Count
	gaps  uint64 // that there had been
}

// ReadProfile reads the profile of the last collection. It fails if the profile is not
// exact.
func ReadProfile() (*Profile, error) {
	if err := untried(); err != nil {
		return nil, err
	}
	gaps, err := Gaps()
	if err != nil {
		return nil, err
	}
	sites, err := readSites()
	if err = cmp.Or(err, NoGapSince(gaps)); err != nil {
		return nil, err
	}
	return &Profile{sites, gaps}, nil
}

// Since returns ErrGap if allocations were not recorded for a time between before and p.
func (p *Profile) Since(before *Profile) error {
	if p.gaps != before.gaps {
		return ErrGap
	}
	return nil
}

// Records returns the records of the runtime's memory profile, with those of sites that
// have nothing left if all is set.
func Records(all bool) []runtime.MemProfileRecord {
	var records []runtime.MemProfileRecord
	n, ok := runtime.MemProfile(nil, all)
	for !ok {
		records = make([]runtime.MemProfileRecord, n+n/8+64)
		n, ok = runtime.MemProfile(records, all)
	}
	return records[:n]
}

// readSites counts what each site has.
func readSites() (map[*Site]Count, error) {
	records := Records(true)
	siteCache.Lock()
	defer siteCache.Unlock()
	counts := make(map[*Site]Count)
	var seen int64
	for i := range records {
		rec := &records[i]
		site, known := siteCache.stacks[rec.Stack0]
		if !known {
			site = resolveLocked(rec)
		}
		switch {
		case site == nil:
		case site.Kind == canaryKind:
			seen += rec.InUseObjects()
		default:
			c := counts[site]
			c.Objects += rec.InUseObjects()
			c.Bytes += rec.InUseBytes()
			c.Frees += rec.FreeObjects
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
func resolveLocked(rec *runtime.MemProfileRecord) *Site {
	site := siteOfLocked(rec.Stack())
	if site != nil {
		if known := siteCache.sites[site.Key]; known != nil {
			site = known
		} else {
			siteCache.sites[site.Key] = site
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
func siteOfLocked(pcs []uintptr) *Site {
	inner, frames := SplitStack(pcs)
	for _, f := range frames {
		if !stack.IsRuntime(f.Function) {
			siteCache.lines[codeLine{f.File, f.Line}] = f
		}
	}
	if len(frames) == 0 || slices.ContainsFunc(inner, IsBenignRuntime) || isMapTable(inner) {
		return nil
	}
	if frames[0].Function == own.plantCanary {
		return &Site{Kind: canaryKind, Key: canaryKind}
	}
	at := stack.ProjectFrame(frames)
	s := &Site{Born: frames[at], Kind: newObject, Stack: frames}
	if stack.IsInstrument(s.Born.Function) || IsBenignLibrary(frames) {
		return nil
	}
	if len(inner) > 0 { // the outermost is the function that the compiler calls for the line
		s.Kind = inner[len(inner)-1]
	}
	s.Key = s.Kind + "\n" + stack.Text(frames[:at+1])
	if caller := stack.CallerOf(frames, s.Born); caller != (verdict.Site{}) {
		s.Key += "\n" + caller.String() // one caller may forget what the others do not
	}
	return s
}

// SplitStack returns the innermost frames, which are the runtime's, and the others.
func SplitStack(pcs []uintptr) (inner []string, frames []verdict.Site) {
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
