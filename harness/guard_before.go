package harness

import (
	"context"
	"strings"
	"sync"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// loggedBefore holds, for each entry function, the most goroutines that guards have logged.
var loggedBefore = struct {
	sync.Mutex
	most map[string]int64
}{most: map[string]int64{}}

// logBefore logs goroutines that exist when a test begins and that no guard has logged yet. They do
// not count, but an earlier test without a guard may have left them.
func (g *guard) logBefore() {
	g.tb.Helper()
	loggedBefore.Lock()
	defer loggedBefore.Unlock()
	isNew := func(entry string, n int64) bool {
		most := loggedBefore.most[entry]
		loggedBefore.most[entry] = max(n, most)
		return n > most
	}
	for _, s := range g.goroutines.Standing(isNew) {
		g.tb.Logf("leak guard: before %s there were %s of %s, started at %s: did an earlier test leave them? They are not counted.\n%s",
			g.tb.Name(), units.Plural(s.Count, "goroutine"), s.Entry, s.Born, indent(stack.Text(s.Stack)))
	}
}

// noteReported marks the goroutines that this guard has reported as leaks, so that the next guard
// does not log them.
func (g *guard) noteReported(leaks int) {
	if leaks == 0 {
		return
	}
	now := &detect.Goroutines{Grace: atOnce}
	ctx, cancel := context.WithTimeout(context.Background(), guardLongest)
	defer cancel()
	if err := now.Baseline(ctx, detect.NewReading(0)); err != nil {
		return // the next guard reports what it cannot read
	}
	loggedBefore.Lock()
	defer loggedBefore.Unlock()
	now.Standing(func(entry string, n int64) bool {
		loggedBefore.most[entry] = max(n, loggedBefore.most[entry])
		return false
	})
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }
