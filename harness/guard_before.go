package harness

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// toldBefore is the places of which guards have told already in this process.
var toldBefore struct {
	sync.Mutex
	most map[string]int64
}

// startEmpty is a baseline at which there are no goroutines.
func (g *Goroutines) startEmpty() {
	g.base, g.cycles = &goroutineCount{map[string]int64{}, map[string]*goroutineStack{}}, nil
}

// tellBefore logs the goroutines that are there when a test begins and that no
// guard has told of yet: an earlier test, which had no guard, may have left them.
// They do not count, and nobody will hear of them again.
func (g *guard) tellBefore(goroutines *Goroutines) {
	g.tb.Helper()
	if goroutines.base == nil {
		return
	}
	toldBefore.Lock()
	defer toldBefore.Unlock()
	if toldBefore.most == nil {
		toldBefore.most = map[string]int64{}
	}
	nothing := &Goroutines{}
	nothing.startEmpty()
	var fresh []string
	for _, entry := range slices.Sorted(maps.Keys(goroutines.base.entries)) {
		n := goroutines.base.entries[entry]
		if n > toldBefore.most[entry] && entry != betweenLives && !isStandardEntry(goroutines.base, entry) {
			fresh = append(fresh, entry)
		}
		toldBefore.most[entry] = max(n, toldBefore.most[entry])
	}
	if len(fresh) == 0 {
		return
	}
	all, err := nothing.extra(goroutines.base)
	if err != nil {
		return // they do not count anyway
	}
	for _, e := range all {
		if slices.Contains(fresh, e.entry) {
			g.tb.Logf("leak guard: before %s there were %d goroutines of %s, started at %s: did an earlier test leave them? They are not counted.\n%s",
				g.tb.Name(), e.count, e.entry, e.born, indent(stack.Text(e.stacks[0].frames)))
		}
	}
}

// isStandardEntry reports whether all goroutines of a function are the standard
// library's own, such as those of an HTTP client's connections.
func isStandardEntry(c *goroutineCount, entry string) bool {
	for _, s := range c.stacks {
		if s.entry == entry && slices.ContainsFunc(s.frames, func(f verdict.Site) bool { return !stack.IsStandard(f) }) {
			return false
		}
	}
	return true
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }
