package heap

import "sort"

// heapReader reads the numbers and byte strings of a dump. Past the end it sets bad and
// returns zeros.
type heapReader struct {
	b   []byte
	pos int
	bad bool
}

func (r *heapReader) uint() uint64 {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		if r.pos >= len(r.b) {
			break
		}
		c := r.b[r.pos]
		r.pos++
		if v |= uint64(c&0x7f) << shift; c < 0x80 {
			return v
		}
	}
	r.bad = true
	return 0
}

// count reads the number of items that follow, of at least one byte each.
func (r *heapReader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)-r.pos) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *heapReader) skip(n int) {
	for range n {
		r.uint()
	}
}

// bytes skips a byte string and returns its offset and length.
func (r *heapReader) bytes() (at, n int) {
	n = r.count()
	at = r.pos
	r.pos += n
	return at, n
}

func (r *heapReader) string() string {
	at, n := r.bytes()
	return string(r.b[at : at+n])
}

// fields skips the list of pointers of a region and returns its offset.
func (r *heapReader) fields() int {
	at := r.pos
	for r.uint() != 0 && !r.bad {
		r.skip(1)
	}
	return at
}

func (r *heapReader) region(addr uint64) heapRegion {
	m := heapRegion{addr: addr}
	m.at, m.size = r.bytes()
	m.fields = r.fields()
	return m
}

// heapIndex finds the object that an address is in: by page, then by binary search.
type heapIndex struct {
	low   uint64
	pages []int32 // by page: the last object that begins in it or before
}

const (
	heapPage     = 13      // bits of an address within a page
	mostHeapPage = 1 << 27 // pages, 1 TB; a larger address range has no pages
)

func (x *heapIndex) build(objects []heapRegion) {
	if len(objects) == 0 {
		return
	}
	x.low = objects[0].addr >> heapPage
	n := objects[len(objects)-1].addr>>heapPage - x.low + 1
	if n > mostHeapPage {
		return
	}
	x.pages = make([]int32, n)
	for i, o := range objects {
		x.pages[o.addr>>heapPage-x.low] = int32(i)
	}
	last := int32(0)
	for i, p := range x.pages {
		last = max(last, p)
		x.pages[i] = last
	}
}

func (x *heapIndex) find(objects []heapRegion, addr uint64) int {
	if len(objects) == 0 || addr < objects[0].addr {
		return -1
	}
	low, high := 0, len(objects)-1 // the answer is one of these
	if x.pages != nil {
		p := addr>>heapPage - x.low
		if p >= uint64(len(x.pages)) {
			low = high
		} else {
			high = int(x.pages[p])
			if p > 0 {
				low = int(x.pages[p-1])
			}
		}
	}
	i := low + sort.Search(high-low, func(k int) bool { return objects[low+k+1].addr > addr })
	if o := objects[i]; addr < o.addr+uint64(o.size) {
		return i
	}
	return -1
}
