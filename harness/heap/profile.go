package heap

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Site is an allocation site: a line of the project, the functions it called to allocate, and
// its nearest caller in another package.
type Site struct {
	Born  verdict.Site
	Key   string
	Kind  string         // the runtime's function that allocates: runtime.newobject, runtime.makeslice, ...
	Stack []verdict.Site // of one allocation, without the innermost frames of the runtime
}

// AllocatesItself reports whether the line allocates a value itself: not by a call, and no slice
// or map.
func (s *Site) AllocatesItself() bool { return s.Kind == newObject && s.Stack[0] == s.Born }

// Count is the live objects of a site and their bytes, and the objects it has freed.
type Count struct{ Objects, Bytes, Frees int64 }

// Made returns how many objects a site has allocated.
func (c Count) Made() int64 { return c.Objects + c.Frees }

// siteCache holds the site of each stack seen. The runtime never drops a stack either, so its
// own tables bound the cache.
var siteCache = struct {
	sync.Mutex
	seed   maphash.Seed
	stacks map[uint64]*Site // by the hash of the stack; nil for a site that does not count
	sites  map[string]*Site
	lines  map[codeLine]verdict.Site // of all stacks, with the function that contains the line

	splitter
	key []byte
}{seed: maphash.MakeSeed(), stacks: map[uint64]*Site{}, sites: map[string]*Site{}, lines: map[codeLine]verdict.Site{}}

// codeLine is a line of code.
type codeLine struct {
	file string
	line int
}

// Profile is the count of each site at the last collection.
type Profile struct {
	Sites map[*Site]Count
	gaps  uint64 // as Gaps returned at that time
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

// Since returns ErrGap if recording was paused between before and p.
func (p *Profile) Since(before *Profile) error {
	if p.gaps != before.gaps {
		return ErrGap
	}
	return nil
}

// Records returns the records of the runtime's memory profile. all includes those without live
// objects.
func Records(all bool) []runtime.MemProfileRecord {
	var records []runtime.MemProfileRecord
	n, ok := runtime.MemProfile(nil, all)
	for !ok {
		records = make([]runtime.MemProfileRecord, n+n/8+64)
		n, ok = runtime.MemProfile(records, all)
	}
	return records[:n]
}

// readSites returns the count of each site.
func readSites() (map[*Site]Count, error) {
	records := Records(true)
	siteCache.Lock()
	defer siteCache.Unlock()
	counts := make(map[*Site]Count)
	var seen int64
	for i := range records {
		rec := &records[i]
		// A map would allocate keys of this size one by one. Of a million stacks two have the same
		// hash in one of 30 million processes.
		hash := maphash.Comparable(siteCache.seed, rec.Stack0)
		site, known := siteCache.stacks[hash]
		if !known {
			site = siteOfLocked(rec.Stack())
			siteCache.stacks[hash] = site
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

// inlined returns the place with the function that contains the line. A heap dump has the
// function into which that one was inlined.
func inlined(place verdict.Site) verdict.Site {
	siteCache.Lock()
	defer siteCache.Unlock()
	if s, ok := siteCache.lines[codeLine{place.File, place.Line}]; ok {
		return s
	}
	return place
}

const canaryKind = "canary"

// newObject is the function that the compiler calls to allocate one value. Since Go 1.27, for
// up to 80 bytes and without the race detector, it calls a function made for the size instead
// (specializedMallocSym in cmd/compile/internal/ssagen), such as mallocgcSmallScanNoHeaderSC3.
const newObject = "runtime.newobject"

// kindOf returns the function of the runtime that the compiler calls for a line, of which inner
// has the frames. The profile has the one that was made for a size for some of the objects of a
// line, and leaves it out for others.
func kindOf(inner []string) string {
	if len(inner) == 0 || strings.HasPrefix(inner[len(inner)-1], "runtime.mallocgc") {
		return newObject
	}
	return inner[len(inner)-1]
}

// siteOfLocked returns the site of a stack, nil for one of the runtime or of the harness. A process
// has a hundred thousand stacks, and the first reading resolves them all.
func siteOfLocked(pcs []uintptr) *Site {
	c := &siteCache
	inner, frames := c.split(pcs)
	for _, f := range frames {
		if !stack.IsRuntime(f.Function) {
			c.lines[codeLine{f.File, f.Line}] = f
		}
	}
	if len(frames) == 0 || slices.ContainsFunc(inner, IsBenignRuntime) || isMapTable(inner) {
		return nil
	}
	if frames[0].Function == own.plantCanary {
		return &Site{Kind: canaryKind}
	}
	at := stack.ProjectFrame(frames)
	born, kind := frames[at], kindOf(inner)
	if stack.IsInstrument(born.Function) || IsBenignLibrary(frames) {
		return nil
	}
	c.key = stack.AppendText(append(append(c.key[:0], kind...), '\n'), frames[:at+1])
	if caller := stack.CallerOf(frames, born); caller != (verdict.Site{}) {
		c.key = caller.Append(append(c.key, '\n')) // only one of several callers may leak
	}
	s := c.sites[string(c.key)]
	if s == nil {
		s = &Site{Born: born, Key: string(c.key), Kind: kind, Stack: slices.Clone(frames)}
		c.sites[s.Key] = s
	}
	return s
}

// SplitStack returns the innermost frames of the runtime, and the other frames.
func SplitStack(pcs []uintptr) (inner []string, frames []verdict.Site) {
	return new(splitter).split(pcs)
}

// splitter splits stacks. It keeps its memory, because a process that records each allocation takes
// microseconds for one.
type splitter struct {
	inner  []string
	frames []verdict.Site
}

// split is SplitStack. What it returns is valid until the next call.
func (s *splitter) split(pcs []uintptr) (inner []string, frames []verdict.Site) {
	s.inner, s.frames = s.inner[:0], s.frames[:0]
	for all := runtime.CallersFrames(pcs); ; {
		f, more := all.Next()
		switch {
		case len(s.frames) == 0 && stack.IsRuntime(f.Function):
			s.inner = append(s.inner, f.Function)
		case f.Function != "runtime.goexit":
			s.frames = append(s.frames, verdict.Site{Function: f.Function, File: f.File, Line: f.Line})
		}
		if !more {
			return s.inner, s.frames
		}
	}
}
