package detect_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// toyRooms is a hub whose rooms are never deleted.
type toyRooms struct {
	rooms map[string]*toyRoom
}

type toyRoom struct {
	name    string
	members []*toyRooms
}

func (t *toyRooms) enter(name []byte) {
	own := string(name)
	r := &toyRoom{name: own}
	t.rooms[own] = r
	r.members = append(r.members, t)
}

// explained returns findings about the objects of lines, as Explain completes them.
func explained(t *testing.T, roots map[string]any, lines ...verdict.Site) []verdict.Finding {
	t.Helper()
	found := make([]verdict.Finding, len(lines))
	for i, line := range lines {
		found[i] = verdict.Finding{Class: verdict.Object, Born: line, Count: 1}
	}
	if err := heap.Explain(t.Context(), roots, func(string) string { return "" }, found); err != nil {
		t.Fatal(err)
	}
	return found
}

// Explain finds the path to objects by the line that made them, without a Watch.
func TestExplainALine(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	root := &toyRooms{rooms: map[string]*toyRoom{}}
	sites := &detect.Sites{}
	found := findIn(t, sites, primes[:3], func(k int, dose int64) {
		for i := range dose {
			root.enter(fmt.Appendf(nil, "a room with a long name %d of %d", i, k))
		}
	})
	if len(found) != 3 {
		wantNone(t, found)
		t.Fatalf("%d lines, want 3: the name, the room, the members", len(found))
	}
	var lines []verdict.Site
	for _, f := range found {
		lines = append(lines, f.Born)
	}
	for i, f := range explained(t, map[string]any{"rooms": root}, append(lines, verdict.Site{Function: "nobody"})...) {
		path := fmt.Sprint(heap.Normal(f.Path))
		if i < len(lines) && !strings.Contains(path, "rooms[*]") {
			t.Errorf("%s is held by %q, want a path by rooms", lines[i], path)
		}
		if i == len(lines) && f.Path != nil {
			t.Errorf("a line that made nothing is held by %q", path)
		}
	}
}

type toyKey struct{}

// toyWork is a hub whose work has a context below that of the process.
type toyWork struct {
	ctx context.Context
	end context.CancelFunc
}

// Of all objects of a line, the path leads to the one that holds the others: the context in its
// parent, not the function that would cancel it.
func TestExplainALineOfContexts(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	process, end := context.WithCancel(t.Context())
	defer end()
	for range 200 {
		w := &toyWork{}
		w.ctx, w.end = context.WithCancel(context.WithValue(process, toyKey{}, w)) // the context
	}
	line := fixture.LineOf(t, "explain_test.go", "the context")
	found := explained(t, map[string]any{"process": process}, line)
	if path := fmt.Sprint(heap.Normal(found[0].Path)); !strings.HasSuffix(path, "children[*].(*context.cancelCtx) }]") {
		t.Errorf("it is held by %s", path)
	}
}

type toyOwner struct {
	_   [5]int64
	has *toyOwned
}

type toyOwned struct {
	_  [5]int64
	by *toyOwner
}

// The path of a cycle begins at the object with the finalizer. A pointer of that object holds the
// other one, even if its type is unknown.
func TestExplainALineOfAFinalizer(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	for range 50 {
		owner := &toyOwner{}             // the owner
		owner.has = &toyOwned{by: owner} // the owned
		runtime.SetFinalizer(owner, func(*toyOwner) {})
	}
	found := explained(t, map[string]any{"test": &struct{ t *testing.T }{t}},
		fixture.LineOf(t, "explain_test.go", "the owner"), fixture.LineOf(t, "explain_test.go", "the owned"))
	owner, owned := heap.Normal(found[0].Path), heap.Normal(found[1].Path)
	if len(owner) != 1 || owner[0].Kind != verdict.FinalizerHolder || owner[0].Field != "" {
		t.Errorf("the owner is held by %v", owner)
	}
	if len(owned) != 1 || owned[0].Holder != owner[0].Holder || owned[0].Field == "" {
		t.Errorf("the owned is held by %v", owned)
	}
}
