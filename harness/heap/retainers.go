package heap

import (
	"context"
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

// Object refers to a heap object without keeping it alive.
type Object struct {
	Type reflect.Type // of a pointer to it
	at   weak.Pointer[byte]
}

// ObjectOf returns the object that a pointer points to. The caller must drop the pointer before
// it calls Retainers, or its own frame retains the object.
func ObjectOf(pointer any) (Object, error) {
	t := reflect.TypeOf(pointer)
	if t == nil || t.Kind() != reflect.Pointer {
		return Object{}, fmt.Errorf("retainers: %T is not a pointer type", pointer)
	}
	p := DataOf(pointer)
	if p == nil {
		return Object{}, fmt.Errorf("retainers: nil %T", pointer)
	}
	return Object{t, weak.Make((*byte)(p))}, nil
}

// ObjectAt returns the object at a weak pointer. pointer is the type of a pointer to it.
func ObjectAt(pointer reflect.Type, at weak.Pointer[byte]) Object { return Object{pointer, at} }

// DataOf returns the pointer in an interface that holds a pointer.
func DataOf(pointer any) unsafe.Pointer { return (*[2]unsafe.Pointer)(unsafe.Pointer(&pointer))[1] }

// addr returns the address of the object, 0 once it was collected.
func (o Object) addr() uint64 { return uint64(uintptr(unsafe.Pointer(o.at.Value()))) }

// Retainer is what keeps one object alive.
type Retainer struct {
	// Path leads from a root to the object, the root first. It is nil if the object has been
	// collected.
	Path []verdict.Edge
	// Born is the line that allocated the object. Stored is the line that last grew the
	// collection that holds it, usually by an insert. Both need RecordAll.
	Born, Stored verdict.Site
}

// Tier reports which names paths can have. In every tier they lead to the right object.
type Tier struct {
	Variables bool // names of package variables and of captured variables: the binary has DWARF
	Symbols   bool // names of package variables: the binary has symbols
	Sites     bool // lines of allocations: RecordAll was called and is not paused
	Dump      int  // bytes of the heap dump

	File string // of the heap dump, "" if it was removed
}

// Complete reports whether paths have all names.
func (t Tier) Complete() bool { return t.Variables && t.Sites }

// String returns which names are missing and how to get them.
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

// heapDumps lets one heap dump be written at a time.
var heapDumps sync.Mutex

// Retainers returns the path that keeps each object alive: see the package documentation.
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
			addrs[i] = 0 // it was collected meanwhile, and its address may be reused
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

// takeHeapDump writes a dump and parses it. addrs are the addresses of the objects at that
// moment.
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
	// An offset in a small object of unknown type is a field. In a large object, which is an
	// array, it is an index. Test binaries lack the names of types that only closures lead to,
	// and thousands of elements of such a slice are one leak.
	pathLarge   = regexp.MustCompile(`^object of \d{4,} bytes`)
	pathOffsets = regexp.MustCompile(`\+0x[0-9a-f]+`)
)

// Normal returns a path with a star in place of each key, index and goroutine number, so that
// the paths of one leak are equal.
func Normal(path []verdict.Edge) []verdict.Edge {
	normal := make([]verdict.Edge, len(path))
	for i, e := range path {
		if e.Kind == verdict.GoroutineHolder {
			e.Holder = pathGoroutines.ReplaceAllString(e.Holder, "goroutine *")
		}
		if strings.Contains(e.Field, "[") {
			e.Field = pathKeys.ReplaceAllString(e.Field, "[*]")
		}
		if e.Kind == verdict.UntypedHolder && pathLarge.MatchString(e.Holder) {
			e.Field = pathOffsets.ReplaceAllString(e.Field, "+*")
		}
		normal[i] = e
	}
	return normal
}

// PathKey returns a text that is equal for paths that differ only in keys, indexes and goroutine
// numbers.
func PathKey(path []verdict.Edge) string {
	var b strings.Builder
	for _, e := range Normal(path) {
		for _, part := range []string{e.Holder, "\t", e.Field, "\n"} {
			b.WriteString(part)
		}
	}
	return b.String()
}
