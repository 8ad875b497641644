package heap

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// heapDump is what runtime/debug.WriteHeapDump has written: every object with the
// places of its pointers, the stacks, the variables. The format says nothing of
// types. It has been the same since Go 1.7 and is not covered by the Go promise.
type heapDump struct {
	raw        []byte
	objects    []heapRegion // by address
	segments   []heapRegion // data and bss: the package variables that have pointers
	goroutines []heapGoroutine
	finalizers []heapFinalizer
	defers     []heapDefer
	threads    []uint64                // addresses of runtime.m
	itabs      map[uint64]uint64       // itab to type
	samples    []heapSample            // by object
	buckets    map[uint64]int          // where the stack of a bucket is
	sites      map[uint64]verdict.Site // of the buckets that were asked for
	index      heapIndex
	unmap      func() // of what raw is in
}

// close lets go of the memory. What was copied from the dump stays good, texts as a
// rule; regions do not.
func (d *heapDump) close() { d.unmap() }

// heapRegion is a piece of memory: an object, a stack frame, a segment.
type heapRegion struct {
	addr   uint64
	at     int // where its bytes begin in the dump
	size   int
	fields int // where the list of its pointers begins
}

type heapGoroutine struct {
	addr, id, ctxt uint64
	begun          uint64      // where its go statement is
	frames         []heapFrame // innermost first
}

type heapFrame struct {
	heapRegion
	function string
	pc       uint64
}

type heapFinalizer struct{ object, function uint64 }

type heapDefer struct{ goroutine, function uint64 }

// heapSample says by which bucket of the heap profile an object was allocated.
type heapSample struct{ object, bucket uint64 }

// ErrHeapDump is what errors about a dump that cannot be read wrap.
var ErrHeapDump = errors.New("heap dump")

const heapDumpHeader = "go1.7 heap dump\n"

// readHeapDump reads a dump from the file.
func readHeapDump(f *os.File) (*heapDump, error) {
	raw, unmap, err := mapFile(f)
	if err != nil {
		return nil, err
	}
	d, err := parseHeapDump(raw)
	if err != nil {
		unmap()
		return nil, err
	}
	d.unmap = unmap
	return d, nil
}

// parseHeapDump reads a dump. A truncated one is an error: what it lacks might be
// what retains.
func parseHeapDump(raw []byte) (*heapDump, error) {
	if len(raw) < len(heapDumpHeader) || string(raw[:len(heapDumpHeader)]) != heapDumpHeader {
		return nil, fmt.Errorf("%w: it does not begin with %q", ErrHeapDump, heapDumpHeader)
	}
	d := &heapDump{raw: raw, itabs: map[uint64]uint64{}, buckets: map[uint64]int{}, sites: map[uint64]verdict.Site{}}
	r := &heapReader{b: raw, pos: len(heapDumpHeader)}
	for {
		start := r.pos
		tag := r.uint()
		if r.bad {
			return nil, fmt.Errorf("%w: cut off after %d bytes", ErrHeapDump, len(raw))
		}
		if tag == 0 {
			break
		}
		if !d.record(r, tag) {
			return nil, fmt.Errorf("%w: unknown record %d at byte %d", ErrHeapDump, tag, start)
		}
	}
	slices.SortFunc(d.objects, func(a, b heapRegion) int { return cmp.Compare(a.addr, b.addr) })
	slices.SortFunc(d.samples, func(a, b heapSample) int { return cmp.Compare(a.object, b.object) })
	d.index.build(d.objects)
	return d, nil
}

// record reads one record. It reports false if there is no such.
func (d *heapDump) record(r *heapReader, tag uint64) bool {
	switch tag {
	case 1: // object
		d.objects = append(d.objects, r.region(r.uint()))
	case 2: // other root, of old runtimes
		r.bytes()
		r.skip(1)
	case 3: // type: those of itabs only
		r.skip(2)
		r.bytes()
		r.skip(1)
	case 4:
		d.goroutine(r)
	case 5:
		d.frame(r)
	case 6:
		d.params(r)
	case 7, 11: // finalizer; queued finalizer
		d.finalizers = append(d.finalizers, heapFinalizer{r.uint(), r.uint()})
		r.skip(3)
	case 8: // itab
		itab := r.uint()
		d.itabs[itab] = r.uint()
	case 9: // thread
		d.threads = append(d.threads, r.uint())
		r.skip(2)
	case 10: // memory statistics
		r.skip(24 + 256 + 1)
	case 12, 13: // data, bss
		d.segments = append(d.segments, r.region(r.uint()))
	case 14: // defer
		r.skip(1)
		g := r.uint()
		r.skip(2)
		d.defers = append(d.defers, heapDefer{g, r.uint()})
		r.skip(2)
	case 15: // panic
		r.skip(6)
	case 16:
		d.bucket(r)
	case 17: // sample
		d.samples = append(d.samples, heapSample{r.uint(), r.uint()})
	default:
		return false
	}
	return true
}

func (d *heapDump) goroutine(r *heapReader) {
	g := heapGoroutine{addr: r.uint()}
	r.skip(1) // sp
	g.id = r.uint()
	g.begun = r.uint()
	r.skip(4) // status, system, background, waiting since
	r.bytes() // for what it waits
	g.ctxt = r.uint()
	r.skip(3) // m, defer, panic
	d.goroutines = append(d.goroutines, g)
}

func (d *heapDump) frame(r *heapReader) {
	f := heapFrame{heapRegion: heapRegion{addr: r.uint()}}
	r.skip(2) // depth, frame of the callee
	f.at, f.size = r.bytes()
	r.skip(1) // entry
	f.pc = r.uint()
	r.skip(1) // where it continues
	f.function = r.string()
	f.fields = r.fields()
	if n := len(d.goroutines); n > 0 {
		d.goroutines[n-1].frames = append(d.goroutines[n-1].frames, f)
	}
}

// params refuses, by the error of the reader, what we cannot read.
func (d *heapDump) params(r *heapReader) {
	bigEndian, pointer := r.uint(), r.uint()
	r.bad = r.bad || bigEndian != 0 || pointer != 8
	r.skip(2)
	r.bytes()
	r.bytes() // version
	r.skip(1)
}

func (d *heapDump) bucket(r *heapReader) {
	id := r.uint()
	r.skip(1)
	d.buckets[id] = r.pos
	for range r.count() {
		r.bytes()
		r.bytes()
		r.skip(1)
	}
	r.skip(2)
}

// Born returns the line that allocated an object, of the project's own if one of
// its functions did; none if the runtime has not recorded it.
func (d *heapDump) born(m heapRegion) verdict.Site {
	i, _ := slices.BinarySearchFunc(d.samples, m.addr, func(s heapSample, a uint64) int { return cmp.Compare(s.object, a) })
	if i == len(d.samples) || d.samples[i].object >= m.addr+uint64(m.size) {
		return verdict.Site{}
	}
	bucket := d.samples[i].bucket
	site, ok := d.sites[bucket]
	if !ok {
		if frames := d.stack(bucket); len(frames) > 0 {
			site = inlined(frames[stack.ProjectFrame(frames)])
		}
		d.sites[bucket] = site
	}
	return site
}

// Stack reads the stack of a bucket, without the runtime's innermost frames.
func (d *heapDump) stack(bucket uint64) (frames []verdict.Site) {
	at, ok := d.buckets[bucket]
	if !ok {
		return nil
	}
	r := &heapReader{b: d.raw, pos: at}
	for range r.count() {
		s := verdict.Site{Function: r.string(), File: r.string(), Line: int(r.uint())}
		if len(frames) > 0 || !stack.IsRuntime(s.Function) {
			frames = append(frames, s)
		}
	}
	return frames
}

// bucketsOf returns the buckets whose objects a function of the runtime asked for.
func (d *heapDump) bucketsOf(function string) map[uint64]bool {
	of := map[uint64]bool{}
	for bucket := range d.buckets {
		of[bucket] = d.allocatedBy(bucket, function)
	}
	return of
}

// allocatedBy reports whether a function of the runtime, of any type arguments,
// asked for the objects of a bucket.
func (d *heapDump) allocatedBy(bucket uint64, function string) bool {
	r := &heapReader{b: d.raw, pos: d.buckets[bucket]}
	for range min(r.count(), 6) {
		at, n := r.bytes()
		if bytes.HasPrefix(d.raw[at:at+n], []byte(function)) {
			return true
		}
		r.bytes()
		r.skip(1)
	}
	return false
}

// pointers yields the offsets of the pointers in a region and what they hold.
func (d *heapDump) pointers(m heapRegion) iter.Seq2[int, uint64] {
	return func(yield func(int, uint64) bool) {
		r := heapReader{b: d.raw, pos: m.fields}
		for r.uint() == 1 && !r.bad {
			off := r.uint()
			if off+8 > uint64(m.size) {
				continue
			}
			if to := d.word(m, int(off)); to != 0 && !yield(int(off), to) {
				return
			}
		}
	}
}

// word returns the word at an offset of a region, 0 beyond its end.
func (d *heapDump) word(m heapRegion, off int) uint64 {
	if off < 0 || off+8 > m.size {
		return 0
	}
	return binary.LittleEndian.Uint64(d.raw[m.at+off:])
}

func (d *heapDump) bytesOf(m heapRegion) []byte { return d.raw[m.at : m.at+m.size] }

// find returns the index of the object that an address is in, or -1.
func (d *heapDump) find(addr uint64) int { return d.index.find(d.objects, addr) }

// memory returns the region that an address is in: an object's or a segment.
func (d *heapDump) memory(addr uint64) (heapRegion, bool) {
	if i := d.find(addr); i >= 0 {
		return d.objects[i], true
	}
	for _, s := range d.segments {
		if addr >= s.addr && addr < s.addr+uint64(s.size) {
			return s, true
		}
	}
	return heapRegion{}, false
}
