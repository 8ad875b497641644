package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Unclosed finds connections and files that were collected and never closed. The
// collector closes them when it gets there, so that nothing of them is left to see
// but that a finalizer ran: connections and listeners of net and os.File set one
// and take it off in Close. Their number is exact, and collections that the runtime
// makes in the middle of a cycle are in it.
//
// Finalizers of others count as well: a library may set them to free what C has
// allocated. Leave Unclosed out if the target has such. Cleanups
// (runtime.AddCleanup) do not count: unique, crypto/tls and Watch run them in the
// normal course of things; so an os.Process that nobody waited for is not seen.
// Nor is one in a cycle of two objects with a finalizer, which the collector never
// frees: that one is Descriptors' to find.
//
// Where they were opened is known as far as the profile of ExactHeap tells: the
// lines whose connections were freed meanwhile, with or without Close.
//
// The zero value is ready to use.
type Unclosed struct {
	counts []uint64 // finalizers run, at the baseline and each cycle
	heaps  [2]map[*heapSite]heapCount
}

// Name implements Detector.
func (u *Unclosed) Name() string { return "unclosed" }

// Baseline collects, so that what was forgotten before does not count.
func (u *Unclosed) Baseline(ctx context.Context, r *Reading) error {
	u.counts = nil
	return u.read(ctx, r, 0)
}

// Cycle collects, and counts what the collector had to close since.
func (u *Unclosed) Cycle(ctx context.Context, r *Reading) error {
	if len(u.counts) == 0 {
		return ErrNoBaseline
	}
	return u.read(ctx, r, 1)
}

func (u *Unclosed) read(ctx context.Context, r *Reading, i int) error {
	if err := r.Collect(ctx); err != nil {
		return err
	}
	u.counts = append(u.counts, readMetric("/gc/finalizers/executed:finalizers"))
	heap, err := r.heapProfile(ctx)
	if err != nil && !errors.Is(err, ErrNotExact) {
		return err
	}
	u.heaps[i] = heap
	return nil
}

// Findings returns one finding if there were any.
func (u *Unclosed) Findings(context.Context) ([]verdict.Finding, error) {
	switch len(u.counts) {
	case 0:
		return nil, ErrNoBaseline
	case 1:
		return nil, ErrNoCycle
	}
	f := verdict.Finding{Detector: u.Name(), Class: verdict.Unclosed}
	for i := 1; i < len(u.counts); i++ {
		f.PerCycle = append(f.PerCycle, int64(u.counts[i]-u.counts[i-1]))
	}
	if f.Count = sum(f.PerCycle); f.Count == 0 {
		return nil, nil
	}
	opened := u.openedAt(f.Count)
	if len(opened) == 1 {
		f.Born, f.Type = opened[0].site.born, opened[0].kind()
	}
	f.Detail = "closed by the collector"
	for _, o := range opened {
		f.Detail += fmt.Sprintf("\n%d of %s opened at %s", o.freed, o.kind(), o.site.born)
	}
	return []verdict.Finding{f}, nil
}

// opener is a line that opened descriptors which were freed during the run.
type opener struct {
	site  *heapSite
	freed int64
}

// openers are the functions that allocate what has the finalizer, with the type
// whose Close was forgotten and the number of objects they allocate for one.
var openers = map[string]struct {
	kind    string
	objects int64
}{
	"net.newFD":  {"net.Conn", 1},
	"os.newFile": {"*os.File", 2},
}

func (o opener) kind() string { return openers[o.site.stack[0].Function].kind }

// openedAt returns the lines that may have opened them, the most likely first:
// those of which so many were freed, or more. If exactly so many were freed at one
// line, it is that one.
func (u *Unclosed) openedAt(count int64) []opener {
	var all []opener
	for site, now := range u.heaps[1] {
		by, ok := openers[site.stack[0].Function]
		if freed := now.frees - u.heaps[0][site].frees; ok && freed > 0 {
			all = append(all, opener{site, freed / by.objects})
		}
	}
	exact := slices.DeleteFunc(slices.Clone(all), func(o opener) bool { return o.freed != count })
	if len(exact) == 1 {
		return exact
	}
	slices.SortFunc(all, func(a, b opener) int {
		return cmp.Or(cmp.Compare(b.freed, a.freed), strings.Compare(a.site.key, b.site.key))
	})
	return all[:min(len(all), 5)]
}
