package detect

import (
	"context"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/source"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Census finds collections that grow: maps, slices, channels, sync.Maps and linked lists,
// by the path from a root. Its rules and limits are in the package documentation.
type Census struct {
	// Roots are pointers by name. The name appears in paths only if two roots have one type.
	Roots map[string]any
	// Stop reports whether the walk skips a type, in addition to the built-in ones.
	Stop func(reflect.Type) bool
	// Ignore reports whether the growth of a path does not count.
	Ignore func(path string) bool
	// Label returns the scenario of a map key, "" if it is unknown. Findings about maps with
	// string keys then have a count by scenario. It may return a part of the key.
	Label func(key string) string
	// Lock is held during the walk, if set.
	Lock sync.Locker
	// MaxValues bounds the values visited; default 20 million. Beyond it a reading fails.
	MaxValues int

	base   map[string]Size
	cycles []map[string]Size
	doses  []int64          // of the cycles before the trials
	unrest map[string]int64 // by path: the largest difference between the two walks of a reading
	stirs  []map[string]Size
}

// Name implements Detector.
func (c *Census) Name() string { return "census" }

// Unit implements Detector.
func (c *Census) Unit() string { return "entry" }

// Noise implements Detector.
func (c *Census) Noise() float64 { return 0 }

// Plant implements Controlled with a map that gets an entry for each peer. The map is a root
// until Remove.
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

// Cycle takes the census again.
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

// Left returns how many more entries the collections have than at the baseline.
func (c *Census) Left(ctx context.Context) (left int64, err error) {
	if c.base == nil {
		return 0, ErrNoBaseline
	}
	now, err := c.Count(ctx)
	for path, size := range now {
		if c.Ignore == nil || !c.Ignore(path) {
			left += max(0, size.Len-c.base[path].Len)
		}
	}
	return left, err
}

// read takes the census twice, censusAgain apart, and records by how much they differ.
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
	censusUnrest = 3 // growth must be more than so many times the moves of a path
)

func distance(a, b int64) int64 { return max(a-b, b-a) }

// Stir implements Stirred with another census.
func (c *Census) Stir(ctx context.Context) error {
	sizes, err := c.Count(ctx)
	c.stirs = append(c.stirs, sizes)
	return err
}

// moves returns by how much the length of a path may move without a leak: the largest difference
// between two walks of a reading, the largest fall over the stirs, or the largest step between two
// stirs, less the average one. What a leak adds with each stir is no movement: it never falls, and
// its steps are equal.
func (c *Census) moves(path string) int64 {
	moves := float64(c.unrest[path])
	high, step := int64(0), 0.0
	if n := len(c.stirs); n > 1 {
		step = float64(c.stirs[n-1][path].Len-c.stirs[0][path].Len) / float64(n-1)
	}
	for i, s := range c.stirs {
		high = max(high, s[path].Len)
		moves = max(moves, float64(high-s[path].Len))
		if i > 0 {
			moves = max(moves, math.Abs(float64(s[path].Len-c.stirs[i-1][path].Len)-step))
		}
	}
	return int64(math.Ceil(moves))
}

// Findings returns a finding for each path whose collections keep growing, in length or, if
// the length does not, in capacity. A collection in the elements of another one that grows is
// in the detail of that one. If the source is there, Stored is the statement that inserts.
func (c *Census) Findings(context.Context) ([]verdict.Finding, error) {
	if len(c.cycles) == 0 {
		return nil, ErrNoCycle
	}
	var findings []verdict.Finding
	// In this order a collection comes before those in its elements.
	for _, path := range slices.Sorted(maps.Keys(c.cycles[len(c.cycles)-1])) {
		if c.Ignore != nil && c.Ignore(path) {
			continue
		}
		f, ok := c.growthTest(path)
		if !ok || f.Count <= censusUnrest*c.moves(path) {
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

// growthTest returns the finding of a path, and whether it is one.
func (c *Census) growthTest(path string) (verdict.Finding, bool) {
	f := verdict.Finding{Detector: c.Name(), Class: verdict.Collection, Field: path}
	if isChildren(path) {
		f.Class, f.Detail = verdict.Timer, "contexts that were never cancelled stay with their parent\n"
	}
	if f.PerCycle = c.growth(path, func(s Size) int64 { return s.Len }); verdict.KeepsGrowing(f.PerCycle[:len(c.doses)], c.doses) {
		f.Count = sum(f.PerCycle)
		f.PerScenario = c.perScenario(path, f.Count)
		return f, true
	}
	f.PerCycle = c.growthOfRoom(path)
	f.Count, f.Detail = sum(f.PerCycle), "in capacity: the length does not keep growing\n"
	return f, c.hasMuchRoom(path) && verdict.KeepsGrowing(f.PerCycle[:len(c.doses)], c.doses)
}

// hasMuchRoom reports whether more capacity is unused than append leaves. Append at most
// doubles a slice, and the unused part of a queue that is consumed by slicing moves within
// that: by chance it may be higher in each cycle. A slice that had an element for each peer of
// a cycle at once has room for them: how many there are at once depends on the machine.
func (c *Census) hasMuchRoom(path string) bool {
	now := c.cycles[len(c.cycles)-1][path]
	return now.Cap-now.Len > 2*max(now.Len, slices.Max(c.doses))
}

// perScenario returns the growth of a map by the labels of its keys, nil if fewer than nine
// tenths of it have a label.
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

// growthOfRoom returns the growth of unused capacity: the lesser growth of the capacity and of
// the capacity beyond the length. The latter alone also grows when elements are removed, and
// the former alone follows the length of a slice that is rebuilt.
func (c *Census) growthOfRoom(path string) []int64 {
	growth := c.growth(path, func(s Size) int64 { return s.Cap })
	for i, room := range c.growth(path, func(s Size) int64 { return s.Cap - s.Len }) {
		growth[i] = min(growth[i], room)
	}
	return growth
}

// growth returns by how much a path grew in each cycle.
func (c *Census) growth(path string, of func(Size) int64) []int64 {
	return perCycle(c.base, c.cycles, func(sizes map[string]Size) int64 { return of(sizes[path]) })
}
