package detect

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// extraGoroutines are the goroutines of one go statement that have not ended.
type extraGoroutines struct {
	born     verdict.Site
	entry    string
	count    int64
	perCycle []int64
	stacks   []*goroutineStack // the most frequent first; they count those beyond the baseline
}

// extra returns the goroutines beyond the baseline by go statement, the most first.
func (g *Goroutines) extra(now *goroutineCount) ([]*extraGoroutines, error) {
	var stacks []*goroutineStack
	for _, entry := range slices.Sorted(maps.Keys(now.entries)) {
		if n := now.entries[entry] - g.base.entries[entry]; n > 0 {
			stacks = append(stacks, now.beyondOf(entry, n, g.base)...)
		}
	}
	if stacks == nil {
		return nil, nil
	}
	creators, err := readCreators()
	if err != nil {
		return nil, err
	}
	byPlace := map[string]*extraGoroutines{}
	var all []*extraGoroutines
	for _, s := range stacks {
		for _, part := range s.byCreator(creators) {
			key := s.entry + " " + part.born.String()
			e := byPlace[key]
			if e == nil {
				e = &extraGoroutines{born: part.born, entry: s.entry}
				byPlace[key] = e
				all = append(all, e)
			}
			e.count += part.count
			e.stacks = append(e.stacks, &goroutineStack{s.frames, s.entry, part.count})
		}
	}
	for _, e := range all {
		slices.SortStableFunc(e.stacks, func(a, b *goroutineStack) int { return cmp.Compare(b.count, a.count) })
		g.fillCycles(e, all)
	}
	slices.SortStableFunc(all, func(a, b *extraGoroutines) int { return cmp.Compare(b.count, a.count) })
	return all, nil
}

// beyondOf returns the stacks of the n goroutines that entry has more than at the baseline.
func (c *goroutineCount) beyondOf(entry string, n int64, base *goroutineCount) []*goroutineStack {
	var all []*goroutineStack
	for key, s := range c.stacks {
		grown := s.count
		if b := base.stacks[key]; b != nil {
			grown -= b.count
		}
		if s.entry == entry && grown > 0 {
			all = append(all, &goroutineStack{s.frames, entry, grown})
		}
	}
	slices.SortFunc(all, func(a, b *goroutineStack) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(stack.Key(a.frames), stack.Key(b.frames)))
	})
	for i, s := range all {
		if s.count = min(s.count, n); s.count == 0 {
			return all[:i]
		}
		n -= s.count
	}
	return all
}

// fillCycles sets the growth by cycle. It is known by entry function, so it stays unknown if
// two go statements start the same function.
func (g *Goroutines) fillCycles(e *extraGoroutines, all []*extraGoroutines) {
	for _, other := range all {
		if other != e && other.entry == e.entry {
			return
		}
	}
	e.perCycle = perCycle(g.base, g.cycles, func(c *goroutineCount) int64 { return c.entries[e.entry] })
}

// created counts the goroutines of a stack that one go statement started.
type created struct {
	born  verdict.Site
	count int64
}

// byCreator divides the goroutines of a stack by go statement. If the baseline has such
// goroutines, too, the new ones are unknown, and the largest part comes first.
func (s *goroutineStack) byCreator(creators map[string][]created) []created {
	known := creators[stack.Key(s.frames)]
	if known == nil { // the goroutine has moved on since
		known = creators[s.frames[len(s.frames)-1].Function]
	}
	left := s.count
	var parts []created
	for _, c := range known {
		if n := min(left, c.count); n > 0 {
			parts = append(parts, created{bornOf(s.frames, c.born), n})
			left -= n
		}
	}
	if left > 0 {
		parts = append(parts, created{bornOf(s.frames, verdict.Site{}), left})
	}
	return parts
}

// bornOf returns the go statement. If it is in the standard library, bornOf returns the
// outermost frame outside of that.
func bornOf(frames []verdict.Site, creator verdict.Site) verdict.Site {
	if creator.Function != "" && !stack.IsStandard(creator) && stack.PackageOf(creator.Function) != "golang.org/x/sync/errgroup" {
		return creator
	}
	for _, f := range slices.Backward(frames) {
		if !stack.IsStandard(f) && !slices.Contains(launchers, f.Function) {
			return f
		}
	}
	if creator.Function != "" {
		return creator
	}
	return frames[len(frames)-1]
}

// maxStacks bounds the text of all stacks in bytes. At 400 bytes each, it holds 160,000
// goroutines; those past it have no creator.
const maxStacks = 64 << 20

// readCreators returns the go statements of all goroutines, by stack and by entry function.
// Only the text of all stacks has them. It takes 120 ms for 10,000 goroutines, so it is read
// only if there is something to report.
func readCreators() (map[string][]created, error) {
	buf := make([]byte, 1<<20)
	n := runtime.Stack(buf, true)
	for n == len(buf) && n < maxStacks {
		buf = make([]byte, 4*len(buf))
		n = runtime.Stack(buf, true)
	}
	if n == 0 {
		return nil, errors.New("goroutines: no stacks")
	}
	found := map[string][]created{}
	for block := range strings.SplitSeq(string(buf[:n]), "\n\n") {
		frames, creator := stack.Parse(block)
		if len(frames) == 0 || creator.Function == "" {
			continue
		}
		for _, key := range []string{stack.Key(frames), frames[len(frames)-1].Function} {
			i := slices.IndexFunc(found[key], func(c created) bool { return c.born == creator })
			if i < 0 {
				i = len(found[key])
				found[key] = append(found[key], created{born: creator})
			}
			found[key][i].count++
		}
	}
	for _, c := range found {
		slices.SortStableFunc(c, func(a, b created) int { return cmp.Compare(b.count, a.count) })
	}
	return found, nil
}

// findingsOf returns a finding for each go statement.
func findingsOf(all []*extraGoroutines) []verdict.Finding {
	var findings []verdict.Finding
	for _, e := range all {
		var b strings.Builder
		b.WriteString(stack.Text(e.stacks[0].frames))
		for _, s := range e.stacks[1:] {
			fmt.Fprintf(&b, "\n%d more at %s", s.count, s.frames[0])
		}
		findings = append(findings, verdict.Finding{
			Detector: "goroutines", Class: verdict.Goroutine, Born: e.born,
			Count: e.count, PerCycle: e.perCycle, Detail: b.String(),
		})
	}
	return findings
}
