package harness

import (
	"strings"
	"sync"

	"github.com/pigeonhub/pigeonhub/harness/stack"
)

// loggedBefore holds, for each entry function, the most goroutines that guards have logged.
var loggedBefore struct {
	sync.Mutex
	most map[string]int64
}

// logBefore logs goroutines that exist when a test begins and that no guard has logged yet. They do
// not count, but an earlier test without a guard may have left them.
func (g *guard) logBefore() {
	g.tb.Helper()
	loggedBefore.Lock()
	defer loggedBefore.Unlock()
	if loggedBefore.most == nil {
		loggedBefore.most = map[string]int64{}
	}
	isNew := func(entry string, n int64) bool {
		most := loggedBefore.most[entry]
		loggedBefore.most[entry] = max(n, most)
		return n > most
	}
	for _, s := range g.goroutines.Standing(isNew) {
		g.tb.Logf("leak guard: before %s there were %d goroutines of %s, started at %s: did an earlier test leave them? They are not counted.\n%s",
			g.tb.Name(), s.Count, s.Entry, s.Born, indent(stack.Text(s.Stack)))
	}
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }
