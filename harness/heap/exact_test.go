package heap

import (
	"runtime"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Recording resumes when the last pause has ended, in any order.
func TestInexactHeapNests(t *testing.T) {
	first, second := PauseRecording(), PauseRecording()
	for _, step := range []struct {
		resume func()
		rate   int
	}{{func() {}, 0}, {first, 0}, {first, 0}, {second, 1}, {second, 1}, {first, 1}} {
		step.resume()
		if runtime.MemProfileRate != step.rate {
			t.Errorf("the rate is %d, want %d", runtime.MemProfileRate, step.rate)
		}
	}
}

// The lines of allocations during a pause are unknown, and the tier says so. A pause after the last
// reading of a campaign makes no difference.
func TestTierOfInexactHeap(t *testing.T) {
	t.Parallel()
	if fixture.InChild(t) {
		return
	}
	wantSites := func(when string, want bool) {
		t.Helper()
		if _, tier := wantRetainers(t, nil, nil); tier.Sites != want || strings.Contains(tier.String(), "places of allocation") == want {
			t.Errorf("%s: places are known: %v, want %v: %s", when, tier.Sites, want, tier)
		}
	}
	wantSites("at first", true)
	resumeOwn := PauseAfterReading()
	wantSites("when all has been read", true)
	resume := PauseRecording()
	wantSites("while a second caller also pauses recording", false)
	resumeOwn()
	wantSites("while only the second caller pauses recording", false)
	resume()
	wantSites("at the end", true)
}

// Explain takes no dump for findings about lines if lines are unknown.
func TestExplainLinesOfInexactHeap(t *testing.T) {
	t.Parallel()
	if fixture.InChild(t) {
		return
	}
	kept := explainedToy()
	for _, paused := range []bool{true, false} {
		findings := []verdict.Finding{{Class: verdict.Object, Born: kept.born, PerScenario: map[string]int64{"toy": 1}}}
		explain := func() error {
			if paused {
				defer PauseRecording()()
			}
			defer PauseAfterReading()()
			return Explain(t.Context(), map[string]any{"toy": kept}, nil, findings)
		}
		if err := explain(); err != nil {
			t.Fatal(err)
		}
		if found := findings[0].Path != nil; found == paused {
			t.Errorf("paused %v: the path is %v", paused, findings[0].Path)
		}
	}
}

// explained returns an object and the line that made it.
type explained struct {
	object *[9]uint64
	born   verdict.Site
}

func explainedToy() *explained {
	pc, file, line, _ := runtime.Caller(0)
	object := new([9]uint64)
	return &explained{object, verdict.Site{Function: runtime.FuncForPC(pc).Name(), File: file, Line: line + 1}}
}
