package heap

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// heapDump is a dump of runtime/debug.WriteHeapDump: all objects with the offsets of their
// pointers, the stacks, and the package variables. It has no types. The format has not
// changed since Go 1.7, but the Go compatibility promise does not cover it.
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
	buckets    map[uint64]int          // the offset of the stack of a bucket
	sites      map[uint64]verdict.Site // cache of born, by bucket
	index      heapIndex
	unmap      func() // unmaps raw
}

// close unmaps the dump. Regions are invalid afterwards; strings copied from it are not.
func (d *heapDump) close() { d.unmap() }

// heapRegion is a piece of memory: an object, a stack frame, a segment.
type heapRegion struct {
	addr   uint64
	at     int // offset of its bytes in the dump
	size   int
	fields int // offset of the list of its pointers
}

type heapGoroutine struct {
	addr, id, ctxt uint64
	begun          uint64      // the address of its go statement
	frames         []heapFrame // innermost first
}

type heapFrame struct {
	heapRegion
	function string
	pc       uint64
}

type heapFinalizer struct{ object, function uint64 }

type heapDefer struct{ goroutine, function uint64 }

// heapSample is the bucket of the heap profile that an object belongs to.
type heapSample struct{ object, bucket uint64 }

// ErrHeapDump is the cause of errors about a dump that cannot be read.
var ErrHeapDump = errors.New("heap dump")

const heapDumpHeader = "go1.7 heap dump\n"

// readHeapDump reads a dump from a file.
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

// parseHeapDump parses a dump. A truncated one is an error, because it may lack a retaining
// path.
func parseHeapDump(raw []byte) (*heapDump, error) {
	if len(raw) < len(heapDumpHeader) || string(raw[:len(heapDumpHeader)]) != heapDumpHeader {
		return nil, fmt.Errorf("%w: does not begin with %q", ErrHeapDump, heapDumpHeader)
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

// record reads one record. It reports false if the tag is unknown.
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
	r.bytes() // wait reason
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
	r.skip(1) // pc at which it continues
	f.function = r.string()
	f.fields = r.fields()
	if n := len(d.goroutines); n > 0 {
		d.goroutines[n-1].frames = append(d.goroutines[n-1].frames, f)
	}
}

// params reads the parameters of the dump. It sets r.bad unless they are those of a
// little-endian machine with 64 bits.
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

// pointers yields the offsets of the pointers in a region and their values.
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

// memory returns the object or segment that an address is in.
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
