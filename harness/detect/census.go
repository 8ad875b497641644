package detect

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/source"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Census finds collections that grow. It walks from the given roots to every map,
// slice, channel, sync.Map and linked list, by reflection and through unexported
// fields, and adds up their lengths by path:
//
//	hub.Hub.networks[*].members
//
// [*] stands for all elements, [key] for all keys of a map, .(T) for what an
// interface holds; a field that leads back to its own type is one path, counted
// with a * for its links. What several paths lead to counts for the shortest. It
// counts the children of a context, too, which is where a context that nobody
// cancels stays.
//
// The target must be quiet while it is read: a map that is written meanwhile ends
// the process, as in any unlocked read of one. Lock is held for the walk if it
// is set. The walk does not see what no root leads to, variables that a closure
// has captured, elements that wait in a channel, or unsafe pointers other than
// those of atomic.Pointer. It does not look into a sync.Pool, contexts, loggers,
// or packages of the standard library that hold no state of the caller's.
//
// A path is a finding if it grew in two thirds of the cycles and in the last; one
// that grew by what the caller means to keep, such as a series of measurements,
// must be stopped or ignored. Each reading is two, some milliseconds apart: what is not
// the same in both, as a buffer that something makes anew all the time, is a finding only
// if it grew by several times as much as it ever went up and down.
type Census struct {
	// Roots are pointers, by a name that is used only where two have one type.
	Roots map[string]any
	// Stop says of a type that it is not looked into, besides the built-in ones.
	Stop func(reflect.Type) bool
	// Ignore says of a path that its growth does not count.
	Ignore func(path string) bool
	// Label says of a key of a map which scenario it comes from, "" if it does not
	// know; then findings about maps of strings tell their count by scenario. It may
	// return a part of the key.
	Label func(key string) string
	// Lock is held during the walk, if set.
	Lock sync.Locker
	// MaxValues bounds the values visited; default 20 million. A census that
	// would need more is an error.
	MaxValues int

	base   map[string]Size
	cycles []map[string]Size
	doses  []int64          // of the cycles that are no trials, which come first
	unrest map[string]int64 // by path: the most that two readings at rest differed
}

// Size is how much the collections of one path hold together.
type Size struct {
	Collections int64
	Labels      map[string]int64 // keys by scenario, if Census.Label is set
	Len, Cap    int64            // a map has no capacity
}

// Name implements Detector.
func (c *Census) Name() string { return "census" }

// Unit implements Detector.
func (c *Census) Unit() string { return "entry" }

// Noise implements Detector.
func (c *Census) Noise() float64 { return 0 }

// Plant implements Controlled by a map, lent to it as a root, with an entry for each peer.
func (c *Census) Plant(func(context.Context) (func(), error)) Plant {
	roots, entries := c.Roots, map[int]int64{}
	var doses []int64
	c.Roots = map[string]any{"planted": &entries}
	maps.Copy(c.Roots, roots)
	return Plant{
		Grow: func(dose int64, _ bool) error {
			doses = append(doses, dose)
			for range dose {
				entries[len(entries)] = dose
			}
			return nil
		},
		Remove: func() { c.Roots = roots },
		Is:     func(f verdict.Finding) bool { return slices.Equal(f.PerCycle, doses) },
	}
}

// Baseline takes the census.
func (c *Census) Baseline(ctx context.Context, _ *Reading) error {
	c.unrest = map[string]int64{}
	sizes, err := c.read(ctx)
	if err != nil {
		return err
	}
	c.base, c.cycles, c.doses = sizes, nil, nil
	return nil
}

// Cycle takes it again.
func (c *Census) Cycle(ctx context.Context, r *Reading) error {
	if c.base == nil {
		return ErrNoBaseline
	}
	sizes, err := c.read(ctx)
	if err != nil {
		return err
	}
	if c.cycles = append(c.cycles, sizes); !r.Trial {
		c.doses = append(c.doses, r.Dose)
	}
	return nil
}

// read takes the census, and again after a moment: what moves meanwhile is never at rest.
func (c *Census) read(ctx context.Context) (map[string]Size, error) {
	sizes, err := c.Count(ctx)
	if err != nil {
		return nil, err
	}
	settle.Pause(ctx, censusAgain)
	again, err := c.Count(ctx)
	if err != nil {
		return nil, err
	}
	for path, was := range sizes {
		now := again[path]
		c.unrest[path] = max(c.unrest[path], distance(was.Len, now.Len), distance(was.Cap, now.Cap))
	}
	return sizes, nil
}

const (
	censusAgain  = 20 * time.Millisecond
	censusUnrest = 3 // times as much as it goes up and down at rest: growth
)

func distance(a, b int64) int64 { return max(a-b, b-a) }

// Findings returns a finding for each path whose collections keep growing, in
// length or, if that does not, in capacity. What grows because it is part of
// the elements of another that grows is in the detail of that one. Where the source
// is there, it says which statement puts things in.
func (c *Census) Findings(context.Context) ([]verdict.Finding, error) {
	if len(c.cycles) == 0 {
		return nil, ErrNoCycle
	}
	var findings []verdict.Finding
	// In this order what a path is part of comes before it.
	for _, path := range slices.Sorted(maps.Keys(c.cycles[len(c.cycles)-1])) {
		if c.Ignore != nil && c.Ignore(path) {
			continue
		}
		f, ok := c.judge(path)
		if !ok || f.Count <= censusUnrest*c.unrest[path] {
			continue
		}
		outer := slices.IndexFunc(findings, func(o verdict.Finding) bool { return strings.HasPrefix(path, o.Field+"[") })
		if outer >= 0 && sum(c.growth(path, func(s Size) int64 { return s.Collections })) > 0 {
			findings[outer].Detail += fmt.Sprintf("in its elements: %s +%d\n", strings.TrimPrefix(path, findings[outer].Field), f.Count)
			continue
		}
		findings = append(findings, f)
	}
	source.ExplainInserts(c.Roots, findings)
	return findings, nil
}

// judge returns the finding of a path, if it is one.
func (c *Census) judge(path string) (verdict.Finding, bool) {
	f := verdict.Finding{Detector: c.Name(), Class: verdict.Collection, Field: path}
	if isChildren(path) {
		f.Class, f.Detail = verdict.Timer, "contexts that were never cancelled stay with their parent\n"
	}
	if f.PerCycle = c.growth(path, func(s Size) int64 { return s.Len }); keepsGrowing(f.PerCycle[:len(c.doses)], c.doses) {
		f.Count = sum(f.PerCycle)
		f.PerScenario = c.perScenario(path, f.Count)
		return f, true
	}
	f.PerCycle = c.growthOfRoom(path)
	f.Count, f.Detail = sum(f.PerCycle), "in capacity: the length does not keep growing\n"
	return f, c.hasMuchRoom(path) && keepsGrowing(f.PerCycle[:len(c.doses)], c.doses)
}

// hasMuchRoom reports whether there is more beyond the length than append leaves, which
// makes a slice twice as long as it must be at most: the room in a queue that is taken from
// by slicing goes up and down by that, and is higher in each cycle by chance.
func (c *Census) hasMuchRoom(path string) bool {
	now := c.cycles[len(c.cycles)-1][path]
	return now.Cap-now.Len > 2*now.Len
}

// perScenario is the growth of a map by the labels of its keys, if they tell nearly
// all of it.
func (c *Census) perScenario(path string, count int64) map[string]int64 {
	grown := map[string]int64{}
	var total int64
	for label, n := range c.cycles[len(c.cycles)-1][path].Labels {
		if n -= c.base[path].Labels[label]; n > 0 {
			grown[label] = n
			total += n
		}
	}
	if total > count || 10*total < 9*count {
		return nil
	}
	return grown
}

// growthOfRoom returns by how much the capacity grew that is beyond the length. What is
// beyond it grows, too, when something is taken out; and a capacity goes up and down with
// the length of what is made anew again and again. Only both together say something.
func (c *Census) growthOfRoom(path string) []int64 {
	growth := c.growth(path, func(s Size) int64 { return s.Cap })
	for i, room := range c.growth(path, func(s Size) int64 { return s.Cap - s.Len }) {
		growth[i] = min(growth[i], room)
	}
	return growth
}

// growth returns by how much a path grew in each cycle.
func (c *Census) growth(path string, of func(Size) int64) []int64 {
	var growth []int64
	before := of(c.base[path])
	for _, sizes := range c.cycles {
		growth = append(growth, of(sizes[path])-before)
		before = of(sizes[path])
	}
	return growth
}

func sum(ns []int64) (total int64) {
	for _, n := range ns {
		total += n
	}
	return total
}
