package detect_test

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
	"weak"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// censusHub holds collections in all ways of a program.
type censusHub struct {
	mu       sync.Mutex
	sessions map[string]*censusSession
	networks map[string]*censusNetwork
	byPair   map[[2]string]map[*censusSession]bool // keys may lead to collections
	byIP     sync.Map
	current  atomic.Pointer[censusSession]
	value    atomic.Value
	lru      list.List
	tree     *censusTree
	events   chan string
	any      any
	ring     [3][]int
	ctx      context.Context
	pool     sync.Pool
	log      *slog.Logger
	self     *censusHub
}

type censusNetwork struct {
	members map[string]*censusSession
	hub     *censusHub
}

type censusSession struct {
	id    string
	queue [][]byte
	next  *censusSession
}

type censusTree struct {
	children map[string]*censusTree
	leaves   []int
}

type censusAny struct{ entries []string }

func newCensusHub(ctx context.Context) *censusHub {
	h := &censusHub{
		sessions: map[string]*censusSession{}, networks: map[string]*censusNetwork{},
		byPair: map[[2]string]map[*censusSession]bool{}, tree: &censusTree{children: map[string]*censusTree{}},
		events: make(chan string, 10), ctx: ctx, log: slog.Default(),
	}
	h.self = h
	h.value.Store([]string{"a"})
	h.any = &censusAny{entries: []string{"x", "y"}}
	h.pool.Put(&censusAny{entries: make([]string, 100)})
	return h
}

func count(t *testing.T, roots ...any) map[string]detect.Size {
	t.Helper()
	c := detect.Census{Roots: map[string]any{}}
	for i, r := range roots {
		c.Roots[fmt.Sprint(i)] = r
	}
	sizes, err := c.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sizes
}

// Each kind of collection has its path, and a shared one counts once.
func TestCensusPaths(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	h := newCensusHub(ctx)
	for i := range 3 {
		s := &censusSession{id: fmt.Sprint(i), queue: make([][]byte, i, 8)}
		h.sessions[s.id] = s
		n := &censusNetwork{members: map[string]*censusSession{s.id: s, "also": s}, hub: h}
		h.networks[s.id] = n
		h.byPair[[2]string{s.id}] = map[*censusSession]bool{s: true, {queue: make([][]byte, 5)}: true}
		h.byIP.Store(s.id, []int{1, 2, 3, 4})
		h.lru.PushBack(s)
		child, stop := context.WithCancel(ctx)
		defer stop()
		_ = child
	}
	h.current.Store(&censusSession{queue: make([][]byte, 7)})
	h.tree.children["a"] = &censusTree{children: map[string]*censusTree{"b": {leaves: []int{1, 2, 3}}}, leaves: []int{1}}
	h.events <- "one"
	h.ring[1] = []int{1, 2}
	sizes := count(t, h)
	want := map[string]int64{
		".sessions":                             3,
		".sessions[*].queue":                    0 + 1 + 2,
		".networks":                             3,
		".networks[*].members":                  6,
		".byPair":                               3,
		".byPair[*]":                            6,
		".byPair[*][key].queue":                 15,
		".byIP":                                 3,
		".byIP[*].([]int)":                      12,
		".current.queue":                        7,
		".value.v.([]string)":                   1,
		".lru":                                  3,
		".tree.children":                        2, // at all levels
		".tree.children[*].leaves":              4,
		".events":                               1,
		".any.(*detect_test.censusAny).entries": 2,
		".ring[*]":                              2,
		".ctx.(*context.cancelCtx).children":    3,
	}
	for path, n := range want {
		if got, ok := sizes["detect_test.censusHub"+path]; !ok || got.Len != n {
			t.Errorf("%s has %d, want %d", path, got.Len, n)
		}
		delete(sizes, "detect_test.censusHub"+path)
	}
	for path, s := range sizes {
		t.Errorf("also found %s: %+v", path, s)
	}
}

// A label is a copy, not a part of the key: otherwise the census would retain keys that the target
// has released, and other detectors would find these.
func TestCensusKeepsNoKey(t *testing.T) {
	t.Parallel()
	h := &struct{ names map[string]int }{map[string]int{}}
	c := detect.Census{Roots: map[string]any{"hub": h}, Label: func(key string) string {
		scenario, _, _ := strings.Cut(key, "/")
		return scenario
	}}
	if err := c.Baseline(t.Context(), detect.NewReading(0)); err != nil {
		t.Fatal(err)
	}
	var keys []weak.Pointer[byte]
	for i := range 3 {
		key := fmt.Sprintf("rst/%s %d", t.Name(), i)
		keys = append(keys, weak.Make(unsafe.StringData(key)))
		h.names[key] = 1
	}
	if err := c.Cycle(t.Context(), detect.NewReading(3)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} { // in its map, and released
		for i, key := range keys {
			if alive := key.Value() != nil; alive != want {
				t.Errorf("key %d: alive %v, want %v", i, alive, want)
			}
		}
		clear(h.names)
		runtime.GC()
	}
	runtime.KeepAlive(&c)
}

// The path of a shared collection does not depend on the order of maps.
func TestCensusIsStable(t *testing.T) {
	t.Parallel()
	type node struct {
		a, b *node
		all  []int
	}
	roots := map[string]*node{}
	shared := make([]*node, 50)
	for i := range shared {
		shared[i] = &node{all: []int{1}}
	}
	for i := range 1000 {
		roots[fmt.Sprint(i)] = &node{a: shared[i%50], b: shared[i%49]}
	}
	first := count(t, &roots)
	for range 10 {
		if again := count(t, &roots); !reflect.DeepEqual(first, again) {
			t.Fatalf("%v, then %v", first, again)
		}
	}
}

func TestCensusFindsWhatGrows(t *testing.T) {
	t.Parallel()
	h := newCensusHub(context.Background())
	join := func(n int64, leak int64, label string) {
		for i := range n {
			s := &censusSession{id: fmt.Sprint(label, i), queue: make([][]byte, 2)}
			h.sessions[s.id] = s
			if i >= leak {
				delete(h.sessions, s.id)
			}
		}
	}
	join(100, 0, "warm")
	c := &detect.Census{Roots: map[string]any{"hub": h}}
	found := findIn(t, c, primes[:3], func(k int, dose int64) { join(dose, dose/100, fmt.Sprint("cycle", k, "-")) })
	f := wantOne(t, found, verdict.Collection, 30, "")
	wantCycles(t, f, 10, 10, 10)
	if f.Field != "detect_test.censusHub.sessions" || !strings.Contains(f.Detail, "in its elements: [*].queue +60") {
		t.Errorf("%s: %s", f.Field, f.Detail)
	}
}

// Contexts that are never cancelled have the class Timer.
func TestCensusFindsContextChildren(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	h := newCensusHub(ctx)
	found := findIn(t, &detect.Census{Roots: map[string]any{"hub": h}}, []int64{200}, func(_ int, dose int64) {
		for range dose {
			context.AfterFunc(ctx, func() {})
			child, stop := context.WithTimeout(ctx, time.Hour)
			t.Cleanup(stop)
			_ = child
		}
	})
	if f := wantOne(t, found, verdict.Timer, 400, ""); !strings.HasSuffix(f.Field, "censusHub.ctx.(*context.cancelCtx).children") {
		t.Errorf("field %s", f.Field)
	}
}

// A collection that is at its baseline, was filled once, or is stopped is no finding.
func TestCensusBenign(t *testing.T) {
	t.Parallel()
	h := newCensusHub(context.Background())
	var series []int
	c := &detect.Census{
		Roots:  map[string]any{"hub": h, "series": &series},
		Ignore: func(path string) bool { return path == "[]int" },
		Stop:   func(t reflect.Type) bool { return t == reflect.TypeFor[censusTree]() },
		Lock:   &h.mu,
	}
	found := findIn(t, c, primes[:3], func(k int, dose int64) {
		for i := range int(dose) {
			id := fmt.Sprint(k, i)
			h.sessions[id] = &censusSession{}
			delete(h.sessions, id)
			h.tree.leaves = append(h.tree.leaves, i)
			h.pool.Put(&censusAny{entries: make([]string, i)})
			if h.ring[0] = append(h.ring[0], i); len(h.ring[0]) > 10 {
				h.ring[0] = h.ring[0][1:]
			}
		}
		h.byIP.Store("once", k)
		series = append(series, k)
	})
	wantNone(t, found)
}

func TestCensusRefuses(t *testing.T) {
	t.Parallel()
	var missing *censusHub
	long := &censusSession{}
	for range 1000 {
		long = &censusSession{next: long}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]*detect.Census{
		"no roots":        {},
		"a nil pointer":   {Roots: map[string]any{"hub": missing}},
		"a value":         {Roots: map[string]any{"hub": 1}},
		"nothing":         {Roots: map[string]any{"hub": nil}},
		"too many values": {Roots: map[string]any{"list": long}, MaxValues: 100},
	} {
		if sizes, err := c.Count(t.Context()); err == nil {
			t.Errorf("%s: counted %v", name, sizes)
		}
	}
	c := detect.Census{Roots: map[string]any{"list": long}}
	if _, err := c.Count(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := count(t, long)["detect_test.censusSession.next*"]; got.Len != 999 {
		t.Errorf("a list of 1,001 has %d further links", got.Len)
	}
}
