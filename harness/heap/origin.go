package heap

import (
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// isAboutLine reports whether a finding is about objects, timers or goroutines of a known line.
func isAboutLine(f *verdict.Finding) bool {
	switch f.Class {
	case verdict.Object, verdict.Memory, verdict.Timer, verdict.Goroutine:
		return f.Born != verdict.Site{}
	}
	return false
}

// mostOrigins bounds the objects of a line whose origin is searched.
const mostOrigins = 1024

// eachMade calls yield with each object and goroutine, and the line that made it.
func (d *heapDump) eachMade(yield func(line codeLine, m heapRegion, isGoroutine bool)) {
	for _, g := range d.goroutines {
		at := siteOfPC(heapFrame{pc: g.begun})
		yield(codeLine{at.File, at.Line}, heapRegion{addr: g.addr}, true)
	}
	for _, sample := range d.samples {
		if k := d.find(sample.object); k >= 0 {
			born := d.born(d.objects[k])
			yield(codeLine{born.File, born.Line}, d.objects[k], false)
		}
	}
}

// spread returns at most n elements of a list, at equal distances.
func spread[T any](list []T, n int) []T {
	step := max(1, (len(list)+n-1)/n)
	var some []T
	for i := 0; i < len(list); i += step {
		some = append(some, list[i])
	}
	return some
}
