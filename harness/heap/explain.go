package heap

import (
	"context"
	"runtime"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// explanation adds the retaining path and the scenarios to findings about a line, both from one
// heap dump and one search.
type explanation struct {
	roots    map[string]any
	label    func(text string) string
	findings []verdict.Finding

	paths, origins []int // indexes of findings that lack one
}

// Explain adds to findings what a heap dump says of them: Path and Stored for objects
// and timers whose line is known, and PerScenario for these and for goroutines.
//
// A path is the most frequent one of some objects of the line. It needs RecordAll.
//
// The scenario of an object is that of the text nearest to it: label returns the
// scenario of a text, or "". If no text near an object has a label, the keys of the maps
// on its path decide. A finding stays as it is unless nine tenths of its objects have a
// scenario. The shares are those of all objects of the line, so they include what was
// there before the baseline; of more than a thousand objects only a thousand are read.
//
// The search does not look through roots, see Retainers, nor through what they point to,
// because they belong to no scenario. Text held on behalf of another peer misleads it: an
// event queued for a subscriber that never reads is attributed to the peer the event
// describes.
func Explain(ctx context.Context, roots map[string]any, label func(text string) string, findings []verdict.Finding) error {
	e := explanation{roots: roots, label: label, findings: findings}
	if placesAreKnown() {
		e.paths = e.withoutPath()
	}
	e.origins = e.withoutOrigin()
	return e.explain(ctx)
}

func (e *explanation) withoutPath() (of []int) {
	for i, f := range e.findings {
		if isAboutLine(&f) && f.Class != verdict.Goroutine && len(f.Path) == 0 {
			of = append(of, i)
		}
	}
	return of
}

func (e *explanation) withoutOrigin() (of []int) {
	for i, f := range e.findings {
		if isAboutLine(&f) && len(f.PerScenario) == 0 && f.Class != verdict.Memory { // its bytes are of all scenarios
			of = append(of, i)
		}
	}
	return of
}

func (e *explanation) explain(ctx context.Context) error {
	if len(e.paths)+len(e.origins) == 0 {
		return nil
	}
	d, _, _, err := takeHeapDump(ctx, "", nil)
	if err != nil {
		return err
	}
	defer d.close()
	var lines []verdict.Site
	for _, i := range e.paths {
		lines = append(lines, e.findings[i].Born)
	}
	kept, made := d.madeAt(lines), e.madeIn(d)
	s, err := newRetainerSearch(ctx, d, e.roots, nil, append(slices.Concat(kept...), e.addrsOf(made)...))
	if err != nil {
		return err
	}
	runtime.KeepAlive(e.roots)
	for k, r := range s.retainersOf(kept) {
		f := &e.findings[e.paths[k]]
		f.Path, f.Stored = r.Path, r.Stored
	}
	o, err := newOriginSearch(s, e.roots, e.label)
	if err != nil {
		return err
	}
	for k, i := range e.origins {
		e.findings[i].PerScenario = o.shares(made[k], e.findings[i].Count)
	}
	return nil
}

// madeIn returns, for each finding without an origin, some of the objects or goroutines of its
// line.
func (e *explanation) madeIn(d *heapDump) [][]heapRegion {
	made := make([][]heapRegion, len(e.origins))
	d.eachMade(func(line codeLine, m heapRegion, isGoroutine bool) {
		for k, i := range e.origins {
			if f := &e.findings[i]; (f.Class == verdict.Goroutine) == isGoroutine && line == (codeLine{f.Born.File, f.Born.Line}) {
				made[k] = append(made[k], m)
			}
		}
	})
	for k := range made {
		made[k] = spread(made[k], mostOrigins)
	}
	return made
}

// addrsOf returns the addresses of the objects that need a path. Goroutines need none, because
// the dump has their frames.
func (e *explanation) addrsOf(made [][]heapRegion) (addrs []uint64) {
	for k, i := range e.origins {
		if e.findings[i].Class == verdict.Goroutine {
			continue
		}
		for _, m := range made[k] {
			addrs = append(addrs, m.addr)
		}
	}
	return addrs
}
