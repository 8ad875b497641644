package hub

import (
	"maps"
	"reflect"
	"sync"
	"testing"
)

type censused struct {
	unguarded []int
	before    struct {
		fixed []int
		mu    sync.Mutex
		kept  []int
	}

	mu     sync.Mutex
	table  map[int]int
	queue  chan int
	plain  struct{ list []int }
	shards [3]map[int]int
	counts [3]int
	apart  struct {
		mu    sync.Mutex
		names map[string]int
	}
}

// The census finds what is guarded by a mutex of the struct, of a part before it and of one within
// it, and nothing else. It holds no two mutexes at once.
func TestCensusFindsWhatIsGuarded(t *testing.T) {
	t.Parallel()
	var c censused
	c.unguarded, c.before.fixed, c.before.kept = make([]int, 9), make([]int, 9), make([]int, 1)
	c.table, c.queue, c.plain.list = map[int]int{1: 1, 2: 2}, make(chan int, 3), make([]int, 4)
	c.queue <- 1
	c.counts = [3]int{7, 7, 7}
	c.shards[0], c.shards[2] = map[int]int{1: 1, 2: 2}, map[int]int{1: 1, 2: 2, 3: 3}
	c.apart.names = map[string]int{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1}
	got := map[string]int{}
	part{"c", reflect.ValueOf(&c).Elem()}.all(func(name string, length int) {
		got[name] = length
		free := 0
		for _, mu := range []*sync.Mutex{&c.mu, &c.before.mu, &c.apart.mu} {
			if mu.TryLock() {
				mu.Unlock()
				free++
			}
		}
		if free != 2 {
			t.Errorf("at %s %d of 3 mutexes are free, want 2", name, free)
		}
	})
	want := map[string]int{"c.table": 2, "c.queue": 1, "c.plain.list": 4, "c.shards[*]": 5, "c.before.kept": 1, "c.apart.names": 6}
	if !maps.Equal(got, want) {
		t.Errorf("the census is %v, want %v", got, want)
	}
}
