package detect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/source"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// FootprintLimits bounds the heap of a peer in bytes; 0 is no limit. Stacks are no finding: a deep call
// doubles one, and it shrinks with a GC.
type FootprintLimits struct {
	Heap float64 // while it is connected
	Left float64 // after it has left
}

// topLines bounds the lines in the detail of a finding.
const topLines = 8

// since returns the cost of n peers that came since before.
func (r *footprintReading) since(before *footprintReading, n int) Cost {
	c := Cost{Stack: (float64(r.stack) - float64(before.stack)) / float64(n)}
	lines := map[verdict.Site]*CostLine{}
	for site, now := range r.sites {
		was := before.sites[site]
		l := &CostLine{site.Born, float64(now.Bytes-was.Bytes) / float64(n), float64(now.Objects-was.Objects) / float64(n), ""}
		r.attribute(l, site, before, n)
		if same := lines[l.Born]; same != nil {
			same.Bytes, same.Objects, same.By = same.Bytes+l.Bytes, same.Objects+l.Objects, cmp.Or(same.By, l.By)
			continue
		}
		lines[l.Born] = l
	}
	// A line that shrank belongs to something older, such as the target of an earlier test. It
	// must not hide another line.
	for _, l := range lines {
		if l.Bytes > 0 {
			c.Heap += l.Bytes
			c.Lines = append(c.Lines, *l)
		}
	}
	slices.SortFunc(c.Lines, func(a, b CostLine) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Born.String(), b.Born.String()))
	})
	return c
}

// attribute replaces a line of the standard library by the one that keeps its memory: the
// line that the library's goroutine waits for, if there is one such goroutine for each peer.
func (r *footprintReading) attribute(l *CostLine, site *heap.Site, before *footprintReading, n int) {
	if !stack.IsStandard(site.Born) {
		if site.Stack[0] != site.Born {
			l.By = site.Stack[0].Function
		}
		return
	}
	entry := entryOf(site.Stack)
	if w := r.waiting[entry]; w.count-before.waiting[entry].count >= int64(n+1)/2 {
		l.Born, l.By = w.at, entry+", which waits for it"
	}
}

// leader returns the line to report: the one with the most bytes, or the first one that has
// a quarter as many and allocates its object itself. What a line allocates by calls depends
// on such an object more often than the reverse.
func (c Cost) leader() *CostLine {
	for i, l := range c.Lines {
		if l.By == "" && l.Bytes >= c.Lines[0].Bytes/4 {
			return &c.Lines[i]
		}
	}
	if len(c.Lines) == 0 {
		return nil
	}
	return &c.Lines[0]
}

// Findings returns a finding for each line whose cost is above a limit, with the bytes above
// it.
func (f *Footprint) Findings(limits FootprintLimits) []verdict.Finding {
	var findings []verdict.Finding
	add := func(c Cost, got, limit float64, what string) {
		if limit <= 0 || got <= limit {
			return
		}
		v := verdict.Finding{
			Detector: "footprint", Class: verdict.Object, Count: int64(f.Peers), Bytes: int64((got - limit) * float64(f.Peers)),
			Detail: fmt.Sprintf("%.0f bytes of %s, %.0f are allowed\n%s", got, what, limit, c.table(topLines)),
		}
		if l := c.leader(); l != nil {
			v.Born = source.BeginOfLiteral(l.Born)
			v.Count = min(v.Count, int64(math.Round(l.Objects*float64(f.Peers)))) // not every peer may have one
		}
		for i := range findings {
			if same := &findings[i]; same.Born == v.Born { // they are the same bytes
				same.Bytes, same.Count, same.Detail = max(same.Bytes, v.Bytes), max(same.Count, v.Count), same.Detail+"\n"+v.Detail
				return
			}
		}
		findings = append(findings, v)
	}
	add(f.Held, f.Held.Heap, limits.Heap, "heap for each peer that is there")
	add(f.Left, f.Left.Heap, limits.Left, "heap stay of each peer that has left")
	return findings
}

// String returns the cost with all lines.
func (c Cost) String() string {
	return fmt.Sprintf("%.0f bytes of heap, %.0f of stack\n%s", c.Heap, c.Stack, c.table(len(c.Lines)))
}

// table returns the first n lines as text.
func (c Cost) table(n int) string {
	var b strings.Builder
	for _, l := range c.Lines[:min(n, len(c.Lines))] {
		fmt.Fprintf(&b, "%8.1f bytes in %.2f objects  %s", l.Bytes, l.Objects, l.Born)
		if l.By != "" {
			fmt.Fprintf(&b, " by %s", l.By)
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}
