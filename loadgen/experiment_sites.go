package loadgen

import (
	"context"
	"errors"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// sites reads the sites of the target. It returns an error if the target has no profiles.
func (t *target) sites(ctx context.Context) (*sites, error) {
	for _, p := range t.probes {
		if p.Name == "pprof" {
			return readSites(ctx, t.pages(p.URL), p.URL)
		}
	}
	return nil, errNoProfiles
}

var errNoProfiles = errors.New("no pprof pages")

// trace names the sites at which each leaking series grew, as far as profiles show them.
func (e *experiment) trace(ctx context.Context) {
	leaking := slices.ContainsFunc(e.trends, func(t verdict.Trend) bool { return t.Outcome == verdict.Leaking })
	if !leaking || e.sites == nil {
		return
	}
	now, err := e.target.sites(ctx)
	if err != nil {
		e.log.Warn("the profiles cannot be read again", "error", err)
		return
	}
	peers := 0.0
	for _, b := range e.blocks {
		peers += b.dose
	}
	heap, goroutines := grown(e.sites.heap, now.heap, peers), grown(e.sites.goroutines, now.goroutines, peers)
	for i := range e.trends {
		t := &e.trends[i]
		switch {
		case t.Outcome != verdict.Leaking:
		case t.Class == verdict.Goroutine:
			t.Sites = goroutines
		case t.Unit == verdict.Bytes:
			t.Sites = heap
			if len(heap) == 0 {
				t.Why += "; the heap profile samples too little to show where (runtime.MemProfileRate of the target)"
			}
		}
	}
}
