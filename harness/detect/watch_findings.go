package detect

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect/internal/planted"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Name implements Detector.
func (w *Watch) Name() string { return "watch" }

// Unit implements Detector.
func (w *Watch) Unit() string { return "object" }

// Noise implements Detector.
func (w *Watch) Noise() float64 { return 0 }

// Plant implements Controlled with an object that is added and stays.
func (w *Watch) Plant(func(context.Context) (func(), error)) Plant {
	var kept *[3]*int
	return Plant{
		Grow: func(_ int64, last bool) (err error) {
			if last {
				kept, err = planted.Watched(w.Add)
			}
			return err
		},
		Remove: func() { runtime.KeepAlive(kept) },
		Is:     func(f verdict.Finding) bool { return f.Born.Function == stack.FuncName(planted.Watched) },
	}
}

// Shorten implements Brief. It leaves out paths.
func (w *Watch) Shorten(time.Duration) (restore func()) {
	paths := w.Paths
	w.Paths = false
	return func() { w.Paths = paths }
}

// Baseline forgets the objects added so far.
func (w *Watch) Baseline(context.Context, *Reading) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reset()
	w.based = true
	return nil
}

// Cycle calls Settle. Objects added from now on belong to the next cycle.
func (w *Watch) Cycle(ctx context.Context, r *Reading) error {
	if !w.based {
		return ErrNoBaseline
	}
	if w.left() > 0 {
		r.forced = true
	}
	if _, err := w.Settle(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cycles++
	return nil
}

// Findings returns the objects that the last cycle left and that are still alive, with their
// retaining paths if Paths is set.
func (w *Watch) Findings(ctx context.Context) ([]verdict.Finding, error) {
	if !w.based {
		return nil, ErrNoBaseline
	}
	if w.cycles == 0 {
		return nil, ErrNoCycle
	}
	if !w.Paths {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.dropCollectedLocked(nil)
		return w.findingsLocked(nil), nil
	}
	findings, _, err := w.Explain(ctx, w.Roots, w.Dir)
	if err != nil { // findings without paths still count
		for i := range findings {
			findings[i].Detail += "\nno path: " + err.Error()
		}
	}
	return findings, ctx.Err()
}

// Retained returns the objects that the last Settle found alive, even those that were
// collected since.
func (w *Watch) Retained() []heap.Object {
	w.mu.Lock()
	defer w.mu.Unlock()
	objects := make([]heap.Object, len(w.retained))
	for i, l := range w.retained {
		objects[i] = heap.ObjectAt(w.kinds[l.kind].t, l.at)
	}
	return objects
}

// Explain returns the findings of the last Settle with their retaining paths, see
// heap.Retainers: one finding for each type and path, where keys and indexes do not count. It
// leaves out objects that were collected since. If nothing is retained, it takes no heap dump.
// If it returns an error, the findings have no paths.
func (w *Watch) Explain(ctx context.Context, roots map[string]any, dir string) ([]verdict.Finding, heap.Tier, error) {
	objects := w.Retained()
	var retainers []heap.Retainer
	var tier heap.Tier
	var err error
	if len(objects) > 0 {
		if retainers, tier, err = heap.Retainers(ctx, dir, roots, objects); err != nil {
			err = fmt.Errorf("watch: %w", err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	findings := w.findingsLocked(w.dropCollectedLocked(retainers))
	if err == nil && !tier.Complete() {
		for i, f := range findings {
			if len(f.Path) > 0 {
				findings[i].Detail += "\n" + tier.String()
			}
		}
	}
	return findings, tier, err
}

// dropCollectedLocked drops the retained objects that were collected since the last Settle,
// because the target released them late. It returns the retainers of the others. Objects
// collected without Closed count as unclosed.
func (w *Watch) dropCollectedLocked(retainers []heap.Retainer) (kept []heap.Retainer) {
	alive := w.retained[:0]
	for i, l := range w.retained {
		if !l.alive() {
			continue
		}
		alive = append(alive, l)
		if retainers != nil {
			kept = append(kept, retainers[i])
		}
	}
	clear(w.retained[len(alive):])
	w.retained = alive
	w.sweepLocked()
	return kept
}

// watchGroup is the objects of one finding.
type watchGroup struct {
	finding verdict.Finding
	born    uint32 // a stack of one of them
	like    uint32 // a stack of one of the same kind
	names   []string
	open    int64 // how many were never closed
}

// findingsLocked returns a finding for the objects retained by one path, and one for those of
// a type that were never closed.
func (w *Watch) findingsLocked(retainers []heap.Retainer) []verdict.Finding {
	groups := map[string]*watchGroup{}
	for i, l := range w.retained {
		k := w.kinds[l.kind]
		var r heap.Retainer
		if retainers != nil {
			r = retainers[i]
		}
		g := groupOf(groups, k.t, heap.PathKey(r.Path))
		if g.finding.Count == 0 {
			g.finding.Class, g.finding.Path, g.finding.Born, g.finding.Stored = verdict.Object, r.Path, r.Born, r.Stored
		}
		w.countLocked(g, k, l.cycle, 1)
		g.finding.Bytes += int64(k.t.Elem().Size())
		g.born, g.like = cmp.Or(g.born, l.born), cmp.Or(g.like, k.born)
		if len(g.names) < watchNames {
			g.names = append(g.names, l.label)
		}
		if l.closing != nil && !l.closing.closed {
			g.open++
		}
	}
	for _, k := range w.kinds {
		for cycle, n := range k.unclosed {
			g := groupOf(groups, k.t, "unclosed")
			g.finding.Class = verdict.Unclosed
			w.countLocked(g, k, uint32(cycle), n)
			g.like = cmp.Or(g.like, k.born)
			g.names = append(g.names, k.names[:min(len(k.names), watchNames-len(g.names))]...)
		}
	}
	var findings []verdict.Finding
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		findings = append(findings, w.finishLocked(groups[key]))
	}
	return findings
}

func groupOf(groups map[string]*watchGroup, t reflect.Type, path string) *watchGroup {
	key := t.String() + "\n" + path
	g := groups[key]
	if g == nil {
		g = &watchGroup{finding: verdict.Finding{Detector: "watch", Type: t.String()}}
		groups[key] = g
	}
	return g
}

// countLocked adds n objects of a kind and a cycle.
func (w *Watch) countLocked(g *watchGroup, k *watchKind, cycle uint32, n int64) {
	f := &g.finding
	f.Count += n
	if k.scenario != "" {
		if f.PerScenario == nil {
			f.PerScenario = map[string]int64{}
		}
		f.PerScenario[k.scenario] += n
	}
	if f.PerCycle == nil && w.cycles > 0 {
		f.PerCycle = make([]int64, w.cycles)
	}
	if cycle < w.cycles {
		f.PerCycle[cycle] += n
	}
}

// finishLocked sets Born and Detail.
func (w *Watch) finishLocked(g *watchGroup) verdict.Finding {
	f := g.finding
	if (f.Born == verdict.Site{}) {
		f.Born = w.addedAtLocked(cmp.Or(g.born, g.like))
	}
	var watched int64
	for _, k := range w.kinds {
		if k.t.String() == f.Type {
			watched += k.added
		}
	}
	end := "alive"
	if f.Class == verdict.Unclosed {
		end = "collected and never closed"
	}
	f.Detail = fmt.Sprintf("%d of %d watched are %s: %s", f.Count, watched, end, strings.Join(g.names, ", "))
	if more := f.Count - int64(len(g.names)); more > 0 {
		f.Detail += fmt.Sprintf(" and %d more", more)
	}
	if g.open > 0 {
		f.Detail += fmt.Sprintf("; %d of them were never closed", g.open)
	}
	return f
}

// addedAtLocked returns the line of the project's own that called Add.
func (w *Watch) addedAtLocked(of uint32) verdict.Site {
	if of == 0 {
		return verdict.Site{}
	}
	var sites []verdict.Site
	frames := runtime.CallersFrames(w.stacks[of-1])
	for {
		f, more := frames.Next()
		sites = append(sites, verdict.Site{Function: f.Function, File: f.File, Line: f.Line})
		if !more {
			return sites[stack.ProjectFrame(sites)]
		}
	}
}
