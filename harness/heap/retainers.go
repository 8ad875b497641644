package heap

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
	p := DataOf(pointer)
	if p == nil {
		return Object{}, fmt.Errorf("retainers: a nil %T", pointer)
	}
	return Object{t, weak.Make((*byte)(p))}, nil
}

// ObjectAt returns the object of a type, of a pointer to it, at a place.
func ObjectAt(pointer reflect.Type, at weak.Pointer[byte]) Object { return Object{pointer, at} }

// DataOf returns the pointer in an interface that holds one.
func DataOf(pointer any) unsafe.Pointer { return (*[2]unsafe.Pointer)(unsafe.Pointer(&pointer))[1] }

// addr returns where the object is, 0 once it was collected.
func (o Object) addr() uint64 { return uint64(uintptr(unsafe.Pointer(o.at.Value()))) }

// Retainer says what keeps one object alive.
type Retainer struct {
	// Path leads from a root to the object, the root first. It is nil if the
	// object has been collected.
	Path []verdict.Edge
	// Born is where the object was allocated, Stored where the collection that
	// holds it was last made larger, as a rule the line that put things in. Both
	// are known only in a program that called RecordAll.
	Born, Stored verdict.Site
}

// Tier says what there was to take names from, and of the dump. Paths lead to the
// right place in every tier, but say less of how.
type Tier struct {
	Variables bool // names of package variables and of what closures capture: the binary has DWARF
	Symbols   bool // names of package variables: the binary has symbols
	Sites     bool // places of allocation: RecordAll was called, and is not undone by PauseRecording
	Dump      int  // Bytes of the heap dump

	File string // where it was left
}

// Complete reports whether paths lack no names.
func (t Tier) Complete() bool { return t.Variables && t.Sites }

// String says what is missing, and how to get it.
func (t Tier) String() string {
	var lacks []string
	if !t.Variables && t.Symbols {
		lacks = append(lacks, "names of captured variables (build with -ldflags=-w=0)")
	} else if !t.Variables {
		lacks = append(lacks, "names of variables (build with -ldflags=-w=0)")
	}
	if !t.Sites {
		lacks = append(lacks, "places of allocation (call heap.RecordAll from an init function, and not PauseRecording)")
	}
	if lacks == nil {
		return "all names are known"
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

// Retainers returns by which path each of the objects is kept alive: see the package
// documentation.
//
// Roots are pointers, maps, channels or functions that lead to the state of the target.
// Their names appear only where two roots have one type.
//
// Retainers reads paths from a heap dump, never from live memory, so the target may go on
// meanwhile. It leaves the dump in dir. If dir is empty it uses a temporary file, which it
// removes. A dump holds all memory of the process: never publish it.
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

// PathKey returns a text that is the same for paths that differ only in keys, indexes and
// numbers of goroutines.
func PathKey(path []verdict.Edge) string {
	var b strings.Builder
	for _, e := range Normal(path) {
		for _, part := range []string{e.Holder, "\t", e.Field, "\n"} {
			b.WriteString(part)
		}
	}
	return b.String()
}
