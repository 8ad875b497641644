package harness_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness"
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

// Objects that nobody has watched are found by the line that made them, and so is
// what holds them.
func TestRetainersAtALine(t *testing.T) {
	root := &toyRooms{rooms: map[string]*toyRoom{}}
	sites := &harness.Sites{}
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
	retainers, tier, err := harness.RetainersAt(t.Context(), t.TempDir(), map[string]any{"rooms": root}, append(lines, verdict.Site{Function: "nobody"}))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range retainers {
		path := fmt.Sprint(harness.Normal(r.Path))
		t.Log(path, tier)
		if i < len(lines) && !strings.Contains(path, "rooms[*]") {
			t.Errorf("%s is held by %q, want a path by rooms", lines[i], path)
		}
		if i == len(lines) && r.Path != nil {
			t.Errorf("a line that made nothing is held by %q", path)
		}
	}
}
