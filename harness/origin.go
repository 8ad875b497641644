package harness

import (
	"context"
	"fmt"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Origins says from which scenarios what was found comes: it fills in PerScenario
// of findings about objects, timers and goroutines whose line is known. Label says
// of a text from which scenario it is, "" if it does not know: see
// Crowd.ScenarioOf. It takes a heap dump and reads what the objects of a line, or
// the frames of a goroutine, refer to: the nearest text that has a label is
// whose they are. Where there is none, the keys of the maps that hold them tell.
//
// A finding of which less than nine tenths can be told stays as it is. The shares
// are those of all that is there, so of what came before the baseline, too, and of
// a thousand objects where there are more. Roots, as of Retainers, are what belongs
// to nobody in particular: it does not look through them, nor through what they
// point to. Text that something holds for another than its own peer misleads it: the
// event that was meant for a subscriber who never read it is told by whom it is about.
// It needs ExactHeap for objects.
func Origins(ctx context.Context, dir string, roots map[string]any, label func(text string) string, findings []verdict.Finding) error {
	e := explanation{roots: roots, label: label, findings: findings}
	e.origins = e.withoutOrigin()
	if err := e.explain(ctx, dir); err != nil {
		return fmt.Errorf("origins: %w", err)
	}
	return ctx.Err()
}

// isAboutLine reports whether a finding is about what a line has made.
func isAboutLine(f *verdict.Finding) bool {
	switch f.Class {
	case verdict.Object, verdict.Timer, verdict.Goroutine:
		return f.Born != verdict.Site{}
	}
	return false
}

// mostOrigins is how many objects of a line are asked for their origin.
const mostOrigins = 1024

// eachMade yields what is there with the line that made it: objects and goroutines.
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

// spread returns n of a list at most, from all over it.
func spread[T any](list []T, n int) []T {
	step := max(1, (len(list)+n-1)/n)
	var some []T
	for i := 0; i < len(list); i += step {
		some = append(some, list[i])
	}
	return some
}
