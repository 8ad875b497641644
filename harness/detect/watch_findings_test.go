package detect

import (
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/internal/toyhub"
	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// pathOf returns a path as text, without keys and numbers.
func pathOf(path []verdict.Edge) string {
	var steps []string
	for _, e := range heap.Normal(path) {
		steps = append(steps, e.Holder+"."+e.Field)
	}
	return strings.Join(steps, " -> ")
}

// Each path has one finding.
func TestWatchExplains(t *testing.T) {
	t.Parallel()
	if fixture.InChild(t) {
		return
	}
	w := NewWatch()
	h := toyhub.New()
	defer h.Close()
	if err := w.Baseline(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	func() {
		for i := range 30 {
			p := &toyhub.Peer{}
			added(t, w, p, []string{"rst/", "roam/"}[i%2]+fmt.Sprint(i))
			if i < 20 {
				h.Rooms[fmt.Sprintf("n-%d", i)].Members[fmt.Sprint(i)] = p
			} else {
				h.Rooms["n-50"].Order = append(h.Rooms["n-50"].Order, p)
			}
		}
	}()
	if err := w.Cycle(t.Context(), NewReading(30)); err != nil {
		t.Fatal(err)
	}
	w.Paths, w.Roots = true, map[string]any{"hub": h}
	found, err := w.Findings(t.Context())
	if err != nil || len(found) != 2 {
		t.Fatalf("got %+v, %v", found, err)
	}
	members, order := found[0], found[1]
	if got := pathOf(members.Path); got != "toyhub.Hub.Rooms[*] -> *toyhub.Room.Members[*]" || members.Count != 20 {
		t.Errorf("got %d by %s", members.Count, got)
	}
	if got := pathOf(order.Path); got != "toyhub.Hub.Rooms[*] -> *toyhub.Room.Order[*]" || order.Count != 10 ||
		!maps.Equal(order.PerScenario, map[string]int64{"rst": 5, "roam": 5}) || !slices.Equal(order.PerCycle, []int64{10}) {
		t.Errorf("got %+v by %s", order, got)
	}
	if runtime.MemProfileRate == 1 && !strings.HasPrefix(order.Born.Function, stack.FuncName(TestWatchExplains)) {
		t.Errorf("born at %v", order.Born)
	}
	runtime.KeepAlive(h)
}

// Objects that the target releases after the last cycle are not reported as alive, and the others
// keep their paths. Those without Closed are reported as unclosed.
func TestWatchDropsWhatIsCollectedLate(t *testing.T) {
	t.Parallel()
	if fixture.InChild(t) {
		return
	}
	for _, paths := range []bool{false, true} {
		w := NewWatch()
		h := toyhub.New()
		defer h.Close()
		if err := w.Baseline(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		func() {
			for i := range 10 {
				p := &toyhub.Peer{}
				added(t, w, p, fmt.Sprintf("rst/%d", i))
				h.Rooms["n-1"].Members[fmt.Sprint(i)] = p
			}
			open := &toyhub.Peer{}
			if err := w.Open(open, "rst/open"); err != nil {
				t.Fatal(err)
			}
			h.Rooms["n-1"].Members["open"] = open
		}()
		if err := w.Cycle(t.Context(), NewReading(11)); err != nil {
			t.Fatal(err)
		}
		delete(h.Rooms["n-1"].Members, "open")
		for i := range 9 {
			delete(h.Rooms["n-1"].Members, fmt.Sprint(i))
		}
		if w.Paths, w.Roots = paths, map[string]any{"hub": h}; !paths {
			runtime.GC() // with a path, the dump collects
		}
		found, err := w.Findings(t.Context())
		if err != nil || len(found) != 2 {
			t.Errorf("paths %v: got %+v, %v", paths, found, err)
			continue
		}
		slices.SortFunc(found, func(a, b verdict.Finding) int { return strings.Compare(string(a.Class), string(b.Class)) })
		if found[0].Count != 1 || !strings.Contains(found[0].Detail, "alive: rst/9") {
			t.Errorf("paths %v: retained: got %+v", paths, found[0])
		}
		if got := pathOf(found[0].Path); paths && got != "toyhub.Hub.Rooms[*] -> *toyhub.Room.Members[*]" {
			t.Errorf("retained by %s", got)
		}
		if found[1].Class != verdict.Unclosed || found[1].Count != 1 {
			t.Errorf("paths %v: not closed: got %+v", paths, found[1])
		}
		runtime.KeepAlive(h)
	}
}

// Findings count without a path, too.
func TestWatchExplainsNothing(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	w.Paths, w.Dir = true, filepath.Join(t.TempDir(), "missing")
	if err := w.Baseline(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	kept := &toyhub.Peer{}
	added(t, w, kept, "x")
	if err := w.Cycle(t.Context(), NewReading(1)); err != nil {
		t.Fatal(err)
	}
	found, err := w.Findings(t.Context())
	if err != nil || len(found) != 1 || found[0].Count != 1 || !strings.Contains(found[0].Detail, "no path: ") {
		t.Errorf("got %+v, %v", found, err)
	}
	runtime.KeepAlive(kept)
}
