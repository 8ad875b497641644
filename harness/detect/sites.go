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

// Sites finds heap objects that stay, and objects that get larger, by the line that allocates
// them. The number of live objects of each line and their bytes are exact. Its rules and limits
// are in the package documentation.
//
// It needs RecordAll. The zero value is ready to use.
type Sites struct {
	// Ignore reports whether a site does not count. The stack begins with the innermost
	// frame outside of the runtime.
	Ignore func(stack []verdict.Site) bool

	base   *heap.Profile
	cycles []*heap.Profile
	doses  []int64 // of the cycles before the trials
}

// Name implements Detector.
func (s *Sites) Name() string { return "sites" }

// Unit implements Detector.
func (s *Sites) Unit() string { return "object" }

// Noise implements Detector.
func (s *Sites) Noise() float64 { return verdict.SiteGate - 1 }

// Plant implements Controlled with an object for each peer.
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

// Baseline counts the live objects of each site, after a collection.
func (s *Sites) Baseline(ctx context.Context, r *Reading) error {
	profile, err := r.heapProfile(ctx)
	if err != nil {
		return err
	}
	s.base, s.cycles, s.doses = profile, nil, nil
	return nil
}

// Cycle counts the live objects again.
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

// Findings returns a finding for each line whose objects stay. It needs two cycles, better
// three.
func (s *Sites) Findings(context.Context) ([]verdict.Finding, error) {
	switch len(s.cycles) {
	case 0:
		return nil, ErrNoCycle
	case 1:
		return nil, errors.New("sites: one cycle proves nothing; two are needed, three are better")
	}
	var leaks []siteLeak
	var grown []verdict.Finding
	for site := range s.cycles[len(s.cycles)-1].Sites {
		if s.Ignore != nil && s.Ignore(site.Stack) {
			continue
		}
		growth, bytes := siteGrowth(site, s.base, s.cycles)
		if why, proof := verdict.SiteGrowth(growth[:len(s.doses)], s.doses); why != "" {
			leaks = append(leaks, siteLeak{site, growth, bytes, why, proof, ""})
		} else if f, ok := s.memoryOf(site, growth); ok {
			grown = append(grown, f)
		}
	}
	return append(mergeSites("sites", verdict.Object, leaks), withoutObjects(grown, leaks)...), nil
}

// memoryOf returns the finding of a site with as many objects as before that get larger, and
// whether it is one.
func (s *Sites) memoryOf(site *heap.Site, growth []int64) (verdict.Finding, bool) {
	if growth[0] > 1 || slices.ContainsFunc(growth[1:], func(n int64) bool { return n != 0 }) {
		return verdict.Finding{}, false
	}
	level := []int64{s.base.Sites[site].Bytes}
	for _, c := range s.cycles {
		level = append(level, c.Sites[site].Bytes)
	}
	why := verdict.MemoryGrowth(level[:len(s.doses)+1], s.doses)
	if why == "" {
		return verdict.Finding{}, false
	}
	bytes := perCycle(s.base, s.cycles, func(p *heap.Profile) int64 { return p.Sites[site].Bytes })
	return verdict.Finding{
		Detector: s.Name(), Class: verdict.Memory, Born: site.Born, Caller: stack.CallerOf(site.Stack, site.Born),
		Count: sum(bytes), Bytes: sum(bytes), PerCycle: bytes,
		Detail: fmt.Sprintf("%s, by as many objects as before (%s)\n%s", why, site.Kind, stack.Text(site.Stack)),
	}, true
}

// holderBytes is what an array or a table that holds objects takes for each of them at most: some
// words, half of it unused.
const holderBytes = 64

// withoutObjects leaves out findings that follow from objects that stay: what these refer to, and
// what holds them. Of each other line it returns the finding with most bytes.
func withoutObjects(grown []verdict.Finding, leaks []siteLeak) []verdict.Finding {
	slices.SortFunc(grown, func(a, b verdict.Finding) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Detail, b.Detail))
	})
	seen := map[verdict.Site]bool{}
	var objects int64 // of the line that has most
	for _, l := range leaks {
		seen[l.site.Born] = true
		objects = max(objects, sum(l.growth))
	}
	return slices.DeleteFunc(grown, func(f verdict.Finding) bool {
		was := seen[f.Born] || f.Bytes <= holderBytes*objects
		seen[f.Born] = true
		return was
	})
}

// siteLeak is a site whose growth is a leak.
type siteLeak struct {
	site   *heap.Site
	growth []int64
	bytes  int64
	why    string
	proof  bool
	typ    string // "" if unknown
}

// siteGrowth returns by how many objects a site grew in each cycle, and by how many bytes in
// all cycles.
func siteGrowth(site *heap.Site, base *heap.Profile, cycles []*heap.Profile) (growth []int64, bytes int64) {
	growth = perCycle(base, cycles, func(p *heap.Profile) int64 { return p.Sites[site].Objects })
	return growth, cycles[len(cycles)-1].Sites[site].Bytes - base.Sites[site].Bytes
}

// rank orders the objects of a line; only the first is counted. Proven growth comes first.
// Then comes an object that the line allocates itself, because there is one of it for each
// peer more often than of the strings and buffers that a call allocates.
func (l *siteLeak) rank() int {
	switch {
	case l.proof && l.site.AllocatesItself():
		return 0
	case l.proof:
		return 1
	}
	return 2
}

// mergeSites returns a finding for each line. It counts one kind of object that the line
// allocates, directly or by calls; the others are in the detail.
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
