package harness

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// How much of the goroutines Waiting shows: a screenful.
const (
	waitingLines  = 50
	waitingFrames = 7 // of each stack
)

// Waiting says what the goroutines of the process wait for: grouped by stack, the
// most numerous first, on some 50 lines at most. Of each group it has the number,
// the state, how long the longest has waited (from a minute on; the runtime notes
// it when it collects) and the lines of code. What waits inside the runtime or the
// test framework is left out, and so are the watchdogs. Those in specs, numbers of
// goroutines as a stack trace has them, come first and one by one.
//
// It stops the world for some 12 us a goroutine.
func Waiting(specs ...string) string {
	return waitingText(allStacks(), specs)
}

// waitingGroup is goroutines that wait for the same.
type waitingGroup struct {
	spec    bool
	state   string
	longest int // minutes
	count   int
	frames  []verdict.Site
	creator verdict.Site
}

// allStacks returns the stacks of all goroutines as text, cut at maxStacks.
func allStacks() string {
	buf := make([]byte, 256<<10)
	n := runtime.Stack(buf, true)
	for n == len(buf) && n < maxStacks {
		buf = make([]byte, 4*len(buf))
		n = runtime.Stack(buf, true)
	}
	return string(buf[:n])
}

// goroutineID returns the number of the calling goroutine.
func goroutineID() string {
	buf := make([]byte, 64)
	id, _, _ := parseHead(string(buf[:runtime.Stack(buf, false)]))
	return id
}

// parseHead parses the headline of a goroutine:
//
//	goroutine 18 gp=0xc000102e00 m=nil [select, 2 minutes, locked to thread]:
func parseHead(block string) (id, state string, minutes int) {
	line, _, _ := strings.Cut(block, "\n")
	rest, ok := strings.CutPrefix(line, "goroutine ")
	if !ok {
		return "", "", 0
	}
	id, rest, _ = strings.Cut(rest, " ")
	_, rest, _ = strings.Cut(rest, "[")
	rest, _, _ = strings.Cut(rest, "]")
	var words []string
	for word := range strings.SplitSeq(rest, ", ") {
		if n, _ := fmt.Sscanf(word, "%d minutes", &minutes); n == 0 {
			words = append(words, word)
		}
	}
	return id, strings.Join(words, ", "), minutes
}

// waitingText is Waiting of a text of stacks.
func waitingText(stacks string, specs []string) string {
	groups, shown, left := groupWaiting(stacks, specs)
	var b strings.Builder
	fmt.Fprintf(&b, "%d goroutines wait, and %d of the runtime and the test framework:\n", shown, left)
	lines := 1
	for i, g := range groups {
		text := g.String()
		n := strings.Count(text, "\n")
		if lines += n; lines > waitingLines && i > 0 {
			rest := 0
			for _, g := range groups[i:] {
				rest += g.count
			}
			fmt.Fprintf(&b, "and %d more, at %d other stacks\n", rest, len(groups)-i)
			break
		}
		b.WriteString(text)
	}
	return b.String()
}

// groupWaiting returns the groups in the order in which they are told, how many
// goroutines are in them, and how many were left out.
func groupWaiting(stacks string, specs []string) (groups []*waitingGroup, shown, left int) {
	byKey := map[string]*waitingGroup{}
	for block := range strings.SplitSeq(stacks, "\n\n") {
		id, state, minutes := parseHead(block)
		frames, creator := parseStack(block)
		spec := slices.Contains(specs, id)
		switch {
		case id == "" || len(frames) == 0:
			continue
		case !spec && inFramework(frames):
			left++
			continue
		}
		shown++
		key := state + "\n" + lineKey(frames) + creator.String()
		if spec {
			key = id
		}
		g := byKey[key]
		if g == nil {
			g = &waitingGroup{spec: spec, state: state, frames: frames, creator: creator}
			byKey[key] = g
		}
		g.count++
		g.longest = max(g.longest, minutes)
	}
	groups = slices.SortedFunc(maps.Values(byKey), func(a, b *waitingGroup) int {
		switch {
		case a.spec && !b.spec:
			return -1
		case b.spec && !a.spec:
			return 1
		}
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(lineKey(a.frames), lineKey(b.frames)), cmp.Compare(a.state, b.state))
	})
	return groups, shown, left
}

// inFramework reports whether a goroutine waits in the test framework or is a
// watchdog. A spec that runs in the framework's goroutine waits somewhere else.
func inFramework(frames []verdict.Site) bool {
	inner := slices.IndexFunc(frames, func(s verdict.Site) bool { return !isRuntime(s.Function) })
	if inner < 0 {
		return true
	}
	switch frames[inner].Function {
	case own.allStacks, own.within:
		return true
	}
	return inPackages(frames[inner].Function, harmlessPackages)
}

// String returns the group as a paragraph.
func (g *waitingGroup) String() string {
	var b strings.Builder
	switch {
	case g.spec:
		b.WriteString("the spec")
	case g.count == 1:
		b.WriteString("1 goroutine")
	default:
		fmt.Fprintf(&b, "%d goroutines", g.count)
	}
	fmt.Fprintf(&b, ": %s", g.state)
	if g.longest > 0 {
		fmt.Fprintf(&b, ", %d minutes", g.longest)
	}
	return b.String() + "\n" + g.text()
}

// text is the stack, innermost first, without the framework's and our own frames.
// Where it is long, the standard library's are left out as well.
func (g *waitingGroup) text() string {
	frames := slices.DeleteFunc(slices.Clone(g.frames), func(s verdict.Site) bool {
		return isRuntime(s.Function) || inPackages(s.Function, harmlessPackages) || s.Function == own.runWatched
	})
	if len(frames) > waitingFrames {
		frames = slices.DeleteFunc(frames, func(s verdict.Site) bool { return s != g.frames[0] && isStandard(s) })
	}
	var b strings.Builder
	for _, s := range frames[:min(len(frames), waitingFrames)] {
		fmt.Fprintf(&b, "    %s\n", s)
	}
	if more := len(frames) - waitingFrames; more > 0 {
		fmt.Fprintf(&b, "    and %d more\n", more)
	}
	if by := g.creator.Function; by != "" && !g.spec && !inPackages(by, harmlessPackages) {
		fmt.Fprintf(&b, "    started at %s\n", g.creator)
	}
	return b.String()
}
