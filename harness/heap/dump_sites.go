package heap

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// born returns the line that allocated an object: the innermost line of the project if there
// is one. It returns none if the runtime did not record the allocation.
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

// stack returns the stack of a bucket, without the innermost frames of the runtime.
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

// bucketsOf returns the buckets whose objects a function of the runtime allocates.
func (d *heapDump) bucketsOf(function string) map[uint64]bool {
	of := map[uint64]bool{}
	for bucket := range d.buckets {
		of[bucket] = d.allocatedBy(bucket, function)
	}
	return of
}

// allocatedBy reports whether a function of the runtime, with any type arguments, allocates
// the objects of a bucket.
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
