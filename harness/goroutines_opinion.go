package harness

import (
	"fmt"
	"regexp"
	"runtime/pprof"
	"strings"

	"go.uber.org/goleak"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// mostForGoleak is the number of goroutines above which goleak is not asked: at
// 10,000 it takes three seconds.
const mostForGoleak = 1000

var goleakHead = regexp.MustCompile(`(?m)^\[?Goroutine \d+ in state `)

// secondOpinion notes what goleak says of the goroutines found; what it alone
// sees becomes one more finding.
func secondOpinion(found []*extraGoroutines, total int64, baseline goleak.Option) []*extraGoroutines {
	if total > mostForGoleak {
		return found
	}
	err := goleak.Find(baseline)
	if err == nil {
		for _, e := range found {
			e.notes = append(e.notes, "goleak sees none: it ended within its half second, or it is older than the baseline")
		}
		return found
	}
	var ours int64
	for _, e := range found {
		ours += e.count
	}
	theirs := int64(len(goleakHead.FindAllString(err.Error(), -1)))
	if theirs > ours {
		return append(found, &extraGoroutines{
			born: goleakBorn(err.Error()), count: theirs - ours,
			notes: []string{fmt.Sprintf("goleak sees %d, by their number; by count there are %d more than at the baseline", theirs, ours),
				fmt.Sprintf("%.4000s", err.Error())},
		})
	}
	for _, e := range found {
		e.notes = append(e.notes, fmt.Sprintf("goleak sees %d in all", theirs))
	}
	return found
}

// goleakBorn returns the first go statement in goleak's text.
func goleakBorn(text string) verdict.Site {
	_, after, _ := strings.Cut(text, "created by ")
	function, after, _ := strings.Cut(after, "\n")
	function, _, _ = strings.Cut(function, " in goroutine ")
	where, _, _ := strings.Cut(strings.TrimSpace(after), " +0x")
	where, _, _ = strings.Cut(where, "\n")
	s := verdict.Site{Function: function}
	s.File, s.Line = cutLine(where)
	return s
}

// noteGoroutineLeakProfile is called before the goroutineleak profile is taken.
var noteGoroutineLeakProfile = func() {}

// proveGoroutines notes which of the goroutines can never run again: nothing that
// could wake them is reachable.
func proveGoroutines(found []*extraGoroutines) ([]*extraGoroutines, error) {
	if len(found) == 0 || pprof.Lookup("goroutineleak") == nil {
		return found, nil
	}
	// Whoever would take a heap dump later must hear of it: see Goroutines.Proof.
	noteGoroutineLeakProfile()
	// The profile counts only while it is written: Profile.Count before is 0.
	groups, err := readGoroutines("goroutineleak")
	if err != nil {
		return nil, err
	}
	dead := map[string]int64{}
	for _, g := range groups {
		dead[lineKey(g.frames)] += g.count
	}
	for _, e := range found {
		var n int64
		for _, s := range e.stacks {
			n += min(s.count, dead[lineKey(s.frames)])
		}
		if n > 0 {
			e.notes = append(e.notes, fmt.Sprintf("%d of %d proven: nothing that could wake them is reachable", n, e.count))
		}
	}
	return found, nil
}
