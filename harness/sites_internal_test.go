package harness

import (
	"runtime"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

func TestJudges(t *testing.T) {
	t.Parallel()
	primes := []int64{1009, 1013, 1019, 997, 991, 983}
	for _, c := range []struct {
		name   string
		growth []int64
		site   bool // a leak of a site
		grows  bool // a leak of an exact count
	}{
		{"one per peer", []int64{1009, 1013, 1019}, true, true},
		{"two per peer", []int64{2018, 2026, 2038}, true, true},
		{"two cycles", []int64{1009, 1013}, true, true},
		{"one object more", []int64{1010, 1013, 1019}, true, true},
		{"one of 100 peers", []int64{8, 13, 10}, true, true},
		{"one a cycle", []int64{1, 1, 1}, false, true},
		{"one of 500 peers", []int64{2, 0, 3}, false, true},
		{"nothing", []int64{0, 0, 0}, false, false},
		{"up and down", []int64{40, -38, 41}, false, false},
		{"down", []int64{-10, -20, -30}, false, false},
		{"lazy", []int64{1009, 0, 0}, false, false},
		{"late", []int64{0, 0, 5}, false, false},
		{"fills up", []int64{1009, 500, 3}, false, false},
		{"fills up slowly", []int64{900, 300, 100}, false, false},
		{"rare, six cycles", []int64{5, 0, 6, 3, 0, 6}, true, true},
		{"a step, six cycles", []int64{0, 60, 0, 0, 0, 0}, false, false},
		{"fills up, six cycles", []int64{60, 30, 15, 7, 3, 0}, false, false},
	} {
		doses := primes[:len(c.growth)]
		if why, _ := judgeSite(c.growth, doses); (why != "") != c.site {
			t.Errorf("%s: the site %v is judged %q", c.name, c.growth, why)
		}
		if got := keepsGrowing(c.growth, doses); got != c.grows {
			t.Errorf("%s: %v keeps growing: %v", c.name, c.growth, got)
		}
	}
	if exactMultiple([]int64{14, 22}, []int64{7, 11}) {
		t.Error("small doses prove nothing")
	}
	if !keepsGrowing([]int64{1}, []int64{0}) {
		t.Error("in a single cycle any growth counts")
	}
}

func TestOwnFrame(t *testing.T) {
	t.Parallel()
	std := verdict.Site{Function: "net/http.(*Server).Serve", File: stack.StandardRoot + "net/http/server.go", Line: 1}
	dependency := verdict.Site{Function: "github.com/gorilla/websocket.newConn", File: "/root/go/pkg/mod/github.com/gorilla/websocket@v1.5.3/conn.go", Line: 2}
	own := verdict.Site{Function: "example.com/hub.accept", File: "/src/hub/hub.go", Line: 3}
	for _, c := range []struct {
		stack []verdict.Site
		want  int
	}{
		{[]verdict.Site{std, dependency, own, std}, 2},
		{[]verdict.Site{std, dependency, std}, 1},
		{[]verdict.Site{std, std}, 0},
		{[]verdict.Site{own, dependency}, 0},
	} {
		if got := stack.ProjectFrame(c.stack); got != c.want {
			t.Errorf("%v: frame %d, want %d", c.stack, got, c.want)
		}
	}
}

// Of what is allocated while recording rests the places are not known, and the tier
// says so. That a campaign lets it rest when all has been read makes no difference.
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
	resumeOwn := inexactHeapAfter()
	wantSites("when all has been read", true)
	resume := InexactHeap()
	wantSites("when somebody else lets it rest, too", false)
	resumeOwn()
	wantSites("when only somebody else does", false)
	resume()
	wantSites("at the end", true)
}

// Findings of lines are not looked for in a dump that does not know lines.
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
				defer InexactHeap()()
			}
			defer inexactHeapAfter()()
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

// explained is an object, and the line that made it.
type explained struct {
	object *[9]uint64
	born   verdict.Site
}

func explainedToy() *explained {
	pc, file, line, _ := runtime.Caller(0)
	object := new([9]uint64)
	return &explained{object, verdict.Site{Function: runtime.FuncForPC(pc).Name(), File: file, Line: line + 1}}
}
