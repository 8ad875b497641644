package detect_test

import (
	"container/list"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

// toyStore inserts plain values into collections of every kind. None of its lines allocates the
// elements.
type toyStore struct {
	seen   map[[32]byte]struct{}
	counts map[string]int
	shelf  []int
	belt   chan int
	atomic sync.Map
	queue  list.List
	rooms  map[string]*toyShelf
	twice  map[int]bool
}

type toyShelf struct{ items map[int]struct{} }

// Put inserts one element into each.
func (s *toyStore) Put(i int) {
	s.seen[[32]byte{byte(i), byte(i >> 8)}] = struct{}{} // in seen
	s.count(fmt.Sprint(i))
	s.shelf = append(s.shelf, i) // in shelf
	s.belt <- i                  // in belt
	s.atomic.Store(i, i)         // in atomic
	s.queue.PushBack(i)          // in queue
	room := s.rooms["one"]
	room.items[i] = struct{}{} // in room
	s.twice[2*i] = true        // in twice
	s.twice[2*i+1] = false
}

func (s *toyStore) count(name string) {
	s.counts[name]++ // in counts
}

// Take is never called.
func (s *toyStore) Take(i int) {
	delete(s.twice, i)
	s.counts["all"]--
	s.shelf = append(s.shelf[:i], s.shelf[i+1:]...)
}

// The finding of a collection has the statements that insert, even if no line of the project
// allocates the elements.
func TestCensusInserts(t *testing.T) {
	s := &toyStore{
		seen: map[[32]byte]struct{}{}, counts: map[string]int{}, belt: make(chan int, 1<<12),
		rooms: map[string]*toyShelf{"one": {items: map[int]struct{}{}}}, twice: map[int]bool{},
	}
	census := &detect.Census{Roots: map[string]any{"store": s}}
	n := 0
	found := findIn(t, census, primes[:3], func(_ int, dose int64) {
		for range dose {
			s.Put(n)
			n++
		}
	})
	wants := map[string]string{
		"seen": "in seen", "counts": "in counts", "shelf": "in shelf", "belt": "in belt", "atomic": "in atomic", "queue": "in queue",
		"rooms[*].items": "in room", "twice": "in twice",
	}
	for _, f := range found {
		mark, ok := wants[strings.TrimPrefix(f.Field, "detect_test.toyStore.")]
		if !ok {
			t.Errorf("found %s", f.Field)
			continue
		}
		delete(wants, strings.TrimPrefix(f.Field, "detect_test.toyStore."))
		want := fixture.LineOf(t, "census_inserts_test.go", mark)
		if f.Stored.Line != want.Line || f.Stored.File != want.File || !strings.Contains(f.Stored.Function, "(*toyStore).") {
			t.Errorf("%s is put in at %s, want line %d", f.Field, f.Stored, want.Line)
		}
		if mark == "in twice" && strings.Count(f.Detail, "census_inserts_test.go") != 2 {
			t.Errorf("%s: not both statements are reported: %s", f.Field, f.Detail)
		}
	}
	if len(wants) > 0 {
		t.Errorf("not found: %v", wants)
	}
}
