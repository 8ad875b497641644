package detect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/detect/internal/planted"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Sites finds heap objects that stay, by the line that allocates them. The number
// of live objects of every line is exact, so that a leak stands out at its own
// line however much the total moves. The growth of a line in each cycle is a leak
// if one of three tests says so:
//
//   - it is a whole multiple of the dose in every cycle: proof, where the doses
//     are primes whose product is beyond a million;
//   - every one of three cycles or more grew, by 3 objects at least and the
//     weakest by a quarter of the mean;
//   - over five cycles or more the level follows the number of peers.
//
// With 3 cycles of 1,009 peers it always finds one object per peer of 16 bytes or
// more, and one per 100 peers in more than 95 of 100 runs. Smaller objects without
// pointers share a block of 16 bytes and are found as the blocks they keep. A map is
// one object of 48 bytes, by the line that makes it: its tables do not count.
//
// It needs RecordAll. It does not see what grows without new objects (a slice of
// numbers that is reallocated, a map of numbers, a longer string that is pinned:
// Census sees the first two), what lies outside the heap, objects that the caller
// itself keeps for each peer as if they were the target's (it finds them: keep
// results in memory made before the baseline), or who holds the object. Take the
// baseline after a warm-up to the same peak, or caches that fill are found; one
// that fills more slowly than the run lasts cannot be told from a leak.
//
// The zero value is ready to use.
type Sites struct {
	// Ignore says of a site that it does not count. The stack begins with the
	// innermost frame that is not the runtime's.
	Ignore func(stack []verdict.Site) bool

	base   *heap.Profile
	cycles []*heap.Profile
	doses  []int64 // of the cycles that are no trials, which come first
}

// siteGate is what a cycle must have grown by: slices and tables that follow a
// moving peak gain an object or two now and then.
const siteGate = 3

// Name implements Detector.
func (s *Sites) Name() string { return "sites" }

// Unit implements Detector.
func (s *Sites) Unit() string { return "object" }

// Noise implements Detector: by so many a cycle may move a site.
func (s *Sites) Noise() float64 { return siteGate - 1 }

// Plant implements Controlled by an object for each peer.
func (s *Sites) Plant(func(context.Context) (func(), error)) Plant {
	var objects []*[3]*int
	return Plant{
		Grow: func(dose int64, _ bool) error {
			for range dose {
				objects = append(objects, planted.Object())
			}
			return nil
		},
		Remove: func() { objects = nil },
		Is:     func(f verdict.Finding) bool { return f.Born.Function == stack.FuncName(planted.Object) },
	}
}

// Baseline counts the live objects of every site, after a collection.
func (s *Sites) Baseline(ctx context.Context, r *Reading) error {
	profile, err := r.heapProfile(ctx)
	if err != nil {
		return err
	}
	s.base, s.cycles, s.doses = profile, nil, nil
	return nil
}

// Cycle counts them again.
func (s *Sites) Cycle(ctx context.Context, r *Reading) error {
	if s.base == nil {
		return ErrNoBaseline
	}
	profile, err := r.heapProfileSince(ctx, s.base)
	if err != nil {
		return err
	}
	if s.cycles = append(s.cycles, profile); !r.Trial {
		s.doses = append(s.doses, r.Dose)
	}
	return nil
}

// Findings returns a finding for each line whose objects stay. It needs two cycles,
// better three.
func (s *Sites) Findings(context.Context) ([]verdict.Finding, error) {
	switch len(s.cycles) {
	case 0:
		return nil, ErrNoCycle
	case 1:
		return nil, errors.New("sites: one cycle says nothing, two are needed and three are better")
	}
	var leaks []siteLeak
	for site := range s.cycles[len(s.cycles)-1].Sites {
		if s.Ignore != nil && s.Ignore(site.Stack) {
			continue
		}
		growth, bytes := siteGrowth(site, s.base, s.cycles)
		if why, proof := judgeSite(growth[:len(s.doses)], s.doses); why != "" {
			leaks = append(leaks, siteLeak{site, growth, bytes, why, proof, ""})
		}
	}
	return mergeSites("sites", verdict.Object, leaks), nil
}

// siteLeak is a site whose growth was judged a leak.
type siteLeak struct {
	site   *heap.Site
	growth []int64
	bytes  int64
	why    string
	proof  bool
	typ    string // if it is known
}

// siteGrowth returns by how many objects a site grew in each cycle, and by how
// many bytes in all.
func siteGrowth(site *heap.Site, base *heap.Profile, cycles []*heap.Profile) (growth []int64, bytes int64) {
	before := base.Sites[site]
	for _, c := range cycles {
		growth = append(growth, c.Sites[site].Objects-before.Objects)
		before = c.Sites[site]
	}
	return growth, before.Bytes - base.Sites[site].Bytes
}

// rank is the place among the objects of a line, the first of which is counted:
// what is proven, then what the line itself makes rather than what it calls, for
// that is one for each peer more often than the strings and buffers that go with it.
func (l *siteLeak) rank() int {
	switch {
	case l.proof && l.site.AllocatesItself():
		return 0
	case l.proof:
		return 1
	}
	return 2
}

// mergeSites makes one finding of what one line allocates, be it directly or in
// calls: one kind of object is counted, the others are in the detail.
func mergeSites(detector string, class verdict.Class, leaks []siteLeak) []verdict.Finding {
	slices.SortFunc(leaks, func(a, b siteLeak) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(sum(b.growth), sum(a.growth)),
			cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.site.Key, b.site.Key))
	})
	var findings []verdict.Finding
	index := map[verdict.Site]int{}
	for _, l := range leaks {
		i, known := index[l.site.Born]
		if !known {
			index[l.site.Born] = len(findings)
			findings = append(findings, verdict.Finding{
				Detector: detector, Class: class, Type: l.typ, Born: l.site.Born, Caller: stack.CallerOf(l.site.Stack, l.site.Born),
				Count: sum(l.growth), Bytes: l.bytes,
				PerCycle: l.growth, Detail: fmt.Sprintf("%s (%s)\n%s", l.why, l.site.Kind, stack.Text(l.site.Stack)),
			})
			continue
		}
		f := &findings[i]
		f.Bytes += l.bytes
		f.Detail += fmt.Sprintf("\nand %d by %s, %s", sum(l.growth), strings.TrimSpace(l.site.Kind+" "+l.site.Stack[0].Function), l.why)
	}
	return findings
}
