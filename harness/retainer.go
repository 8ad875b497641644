package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"unsafe"
	"weak"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Object is a heap object that Retainers is asked about. It does not keep the
// object alive.
type Object struct {
	Type reflect.Type // of a pointer to it
	at   weak.Pointer[byte]
}

// ObjectOf returns the object that a pointer points to. The caller should forget
// the pointer before it calls Retainers: its own frame would be what retains.
func ObjectOf(pointer any) (Object, error) {
	t := reflect.TypeOf(pointer)
	if t == nil || t.Kind() != reflect.Pointer {
		return Object{}, fmt.Errorf("retainers: a %T is no pointer", pointer)
	}
	p := dataOf(pointer)
	if p == nil {
		return Object{}, fmt.Errorf("retainers: a nil %T", pointer)
	}
	return Object{t, weak.Make((*byte)(p))}, nil
}

// dataOf returns the pointer in an interface that holds one.
func dataOf(pointer any) unsafe.Pointer { return (*[2]unsafe.Pointer)(unsafe.Pointer(&pointer))[1] }

// addr returns where the object is, 0 once it was collected.
func (o Object) addr() uint64 { return uint64(uintptr(unsafe.Pointer(o.at.Value()))) }

// Retainer says what keeps one object alive.
type Retainer struct {
	// Path leads from a root to the object, the root first. It is nil if the
	// object has been collected.
	Path []verdict.Edge
	// Born is where the object was allocated, Stored where the collection that
	// holds it was last made larger, as a rule the line that put things in. Both
	// are known only in a program that called ExactHeap.
	Born, Stored verdict.Site
}

// Tier says what there was to take names from, and of the dump. Paths lead to the
// right place in every tier, but say less of how.
type Tier struct {
	Variables bool // names of package variables and of what closures capture: the binary has DWARF
	Symbols   bool // names of package variables: the binary has symbols
	Sites     bool // places of allocation: ExactHeap was called, and is not undone by InexactHeap
	Dump      int  // bytes of the heap dump

	File string // where it was left
}

const allNames = "all names are known"

// String says what is missing, and how to get it.
func (t Tier) String() string {
	var lacks []string
	if !t.Variables && t.Symbols {
		lacks = append(lacks, "names of captured variables (build with -ldflags=-w=0)")
	} else if !t.Variables {
		lacks = append(lacks, "names of variables (build with -ldflags=-w=0)")
	}
	if !t.Sites {
		lacks = append(lacks, "places of allocation (call harness.ExactHeap from an init function, and not InexactHeap)")
	}
	if lacks == nil {
		return allNames
	}
	return "paths lack " + strings.Join(lacks, " and ")
}

// ErrGoroutineLeakProfile is what Retainers returns after a goroutineleak profile
// was taken: a heap dump would end the process.
var ErrGoroutineLeakProfile = errors.New("no heap dump after a goroutineleak profile: it would end the process (go1.26); look for retainers first, or in another process")

// heapDumps keeps heap dumps and goroutineleak profiles apart.
var heapDumps struct {
	sync.Mutex
	spoiled bool
}

// NoteGoroutineLeakProfile is called before a goroutineleak profile is taken. From
// then on Retainers returns ErrGoroutineLeakProfile. It waits for a dump that is
// being written.
func NoteGoroutineLeakProfile() {
	heapDumps.Lock()
	defer heapDumps.Unlock()
	heapDumps.spoiled = true
}

// Retainers says by which path each of the objects is kept alive. It takes a heap
// dump, looks for the shortest path from a root to each object, and names the
// steps of it:
//
//	hub.Hub.networks["n-17"].members["ab12…"]
//
// Roots are pointers, maps, channels or functions from which the state of the
// target can be reached, by a name that is used only where two have one type.
// What they lead to is found first. Then come package variables, the stacks of
// goroutines, finalizers, and what the runtime holds, such as pending timers. An
// element that lies outside of the slice that holds it is told: list[3, beyond its
// length 2]; queue[-1, before its start].
//
// Paths are read from the dump, a picture of one moment, never from live memory,
// so that the target may go on meanwhile. The dump is a file in dir, which is left
// there; with an empty dir it is a temporary one, which is removed. It holds
// whatever the process has in memory: never publish it.
//
// How much the names say depends on the binary: see Tier. What is reached from the
// roots, in interfaces, in maps, timers and contexts, and in objects of more than
// 512 bytes is typed in every binary; package variables and what closures have
// captured only with DWARF, which "go test" leaves out unless told -ldflags=-w=0.
// An object of a type that is not known is told by its size and, after ExactHeap,
// by the place that allocated it.
//
// It does not see what only C or an unsafe.Pointer turned into a number holds. It
// does not know local variables: a frame is told by function and line. An object
// that only a cleanup (runtime.AddCleanup) holds has a path that begins with
// "argument of a cleanup", or without ExactHeap with "no root". Of several paths
// it tells one, the shortest from the first kind of root. It knows the layouts of
// Go 1.26 and 1.27 on 64-bit little-endian machines, and symbols of ELF binaries;
// what does not fit becomes a path with fewer names. Under any other release it
// returns ErrUntriedRuntime.
//
// On Linux the dump is written by a fork, for the runtime of Go 1.26 may end the
// process that writes it: this one stands still for the fork only, some
// milliseconds, while the whole takes some 15 ms for each MB of heap and stacks.
// Elsewhere all goroutines stand still while it is written, and if one is just
// then on its way into or out of a system call the process ends: there call it
// when the target and the test are at rest.
func Retainers(ctx context.Context, dir string, roots map[string]any, objects []Object) ([]Retainer, Tier, error) {
	d, addrs, file, err := takeHeapDump(ctx, dir, objects)
	if err != nil {
		return nil, Tier{}, fmt.Errorf("retainers: %w", err)
	}
	defer d.close()
	for i, o := range objects {
		if o.addr() != addrs[i] {
			addrs[i] = 0 // collected meanwhile: another may have its place
		}
	}
	s, err := newRetainerSearch(ctx, d, roots, objects, addrs)
	if err != nil {
		return nil, Tier{}, fmt.Errorf("retainers: %w", err)
	}
	runtime.KeepAlive(roots)
	found := s.retainers(addrs)
	tier := s.symbols.tier()
	tier.Sites, tier.Dump, tier.File = placesAreKnown(), len(d.raw), file
	return found, tier, ctx.Err()
}

// takeHeapDump takes a dump. The addresses are those of the objects when it was
// taken.
func takeHeapDump(ctx context.Context, dir string, objects []Object) (d *heapDump, addrs []uint64, file string, err error) {
	if err := untried(); err != nil {
		return nil, nil, "", err
	}
	f, err := os.CreateTemp(dir, "pigeonhub-*.heapdump")
	if err != nil {
		return nil, nil, "", err
	}
	defer f.Close()
	file = f.Name()
	defer func() {
		if dir == "" || err != nil {
			os.Remove(f.Name())
		}
	}()
	if dir == "" {
		file = ""
	}
	heapDumps.Lock()
	defer heapDumps.Unlock()
	if heapDumps.spoiled {
		return nil, nil, "", ErrGoroutineLeakProfile
	}
	runtime.GC()
	addrs = make([]uint64, len(objects))
	for i, o := range objects {
		addrs[i] = o.addr()
	}
	d, err = writeHeapDump(ctx, f)
	return d, addrs, file, err
}

var (
	pathKeys       = regexp.MustCompile(`\["(?:[^"\\]|\\.)*"\]|\[[^\[\]]*\]`)
	pathGoroutines = regexp.MustCompile(`^goroutine \d+`)
	// An offset in an object of unknown type is a field of a small one. A large one is
	// an array, and the offset an index: test binaries come without the names of types
	// that only closures lead to, and thousands kept in such a slice are one leak.
	pathLarge   = regexp.MustCompile(`^object of \d{4,} bytes`)
	pathOffsets = regexp.MustCompile(`\+0x[0-9a-f]+`)
)

// Normal returns a path with a star in place of every key, index and number of a
// goroutine: paths of the same leak are then the same.
func Normal(path []verdict.Edge) []verdict.Edge {
	normal := make([]verdict.Edge, len(path))
	for i, e := range path {
		if strings.HasPrefix(e.Holder, "goroutine ") {
			e.Holder = pathGoroutines.ReplaceAllString(e.Holder, "goroutine *")
		}
		if strings.Contains(e.Field, "[") {
			e.Field = pathKeys.ReplaceAllString(e.Field, "[*]")
		}
		if pathLarge.MatchString(e.Holder) {
			e.Field = pathOffsets.ReplaceAllString(e.Field, "+*")
		}
		normal[i] = e
	}
	return normal
}

// pathKey returns a text that is the same for paths that differ only in keys, indexes and
// numbers of goroutines.
func pathKey(path []verdict.Edge) string {
	var b strings.Builder
	for _, e := range Normal(path) {
		for _, part := range []string{e.Holder, "\t", e.Field, "\n"} {
			b.WriteString(part)
		}
	}
	return b.String()
}
