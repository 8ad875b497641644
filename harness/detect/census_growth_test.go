package detect_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Removed elements leave capacity that did not grow, in one cycle, as of a guard, or several.
func TestCensusShrinking(t *testing.T) {
	t.Parallel()
	for _, cycles := range []int{1, 4} {
		h := newCensusHub(context.Background())
		for i := range 10 {
			h.sessions[fmt.Sprint(i)] = nil
			h.byIP.Store(i, i)
			h.lru.PushBack(i)
			h.events <- "one"
			h.ring[0] = append(h.ring[0], i)
			h.ring[1] = append(h.ring[1], i)
		}
		c := &detect.Census{Roots: map[string]any{"hub": h}}
		found := findIn(t, c, primes[:cycles], func(k int, _ int64) {
			delete(h.sessions, fmt.Sprint(k))
			h.byIP.Delete(k)
			h.lru.Remove(h.lru.Front())
			<-h.events
			h.ring[0] = h.ring[0][:len(h.ring[0])-1]
			h.ring[1] = h.ring[1][1:]
		})
		wantNone(t, found)
	}
}

// A buffer that is reallocated with more capacity for each peer and emptied is found.
func TestCensusFindsCapacity(t *testing.T) {
	t.Parallel()
	for _, cycles := range []int{1, 3} {
		s := &censusSession{queue: make([][]byte, 5, 10)}
		c := &detect.Census{Roots: map[string]any{"session": s}}
		peers := int64(0)
		found := findIn(t, c, primes[:cycles], func(_ int, dose int64) {
			s.queue = make([][]byte, len(s.queue)-1, cap(s.queue)+3*int(dose))
			peers += dose
		})
		f := wantOne(t, found, verdict.Collection, 3*peers, "")
		if f.Field != "detect_test.censusSession.queue" || !strings.Contains(f.Detail, "in capacity") {
			t.Errorf("%s: %s", f.Field, f.Detail)
		}
	}
}

// step is a lock that changes the target each time it is taken, like work that goes on during the
// census.
type step func()

func (s step) Lock() { s() }
func (step) Unlock() {}

// A length that moves at rest is no leak if it is higher in each cycle by chance. One that grows by
// far more than it moves is a leak.
func TestCensusOfWhatIsNeverAtRest(t *testing.T) {
	t.Parallel()
	for name, lengths := range map[string][]int{"by chance": {1, 5, 2, 6, 3, 7, 4, 8}, "a leak": {0, 4, 100, 104, 200, 204, 300, 304}} {
		s, n := &censusSession{}, 0
		c := &detect.Census{Roots: map[string]any{"session": s}}
		c.Lock = step(func() {
			s.queue = make([][]byte, lengths[n])
			n++
		})
		found := findIn(t, c, primes[:3], func(int, int64) {})
		if n != len(lengths) || (len(found) > 0) != (name == "a leak") {
			t.Errorf("%s: %d readings, %+v", name, n, found)
		}
	}
}

// What is stirred by a few events moves by falls and by steps. A leak moves, too, but only up, and
// by the same in each step.
func TestCensusStirred(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		stirs  []int
		cycles []int
		leak   bool
	}{
		{"a leak", []int{2, 4, 6, 8, 10, 12, 14, 16}, []int{16, 26, 36, 46}, true},
		{"a rare leak", []int{2, 2, 3, 3, 3, 4, 4, 5}, []int{5, 8, 11, 14}, true},
		{"free slots", []int{3, 5, 7, 2, 4, 6, 1, 3}, []int{2, 4, 6, 7}, false},
		{"doubles", []int{8, 8, 8, 16, 16, 16, 16, 16}, []int{16, 20, 24, 32}, false},
	} {
		s := &censusSession{}
		census := &detect.Census{Roots: map[string]any{"session": s}}
		for _, n := range c.stirs {
			s.queue = make([][]byte, n)
			if err := census.Stir(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s.queue = make([][]byte, c.cycles[0])
		found := findIn(t, census, primes[:3], func(k int, _ int64) { s.queue = make([][]byte, c.cycles[k+1]) })
		if (len(found) > 0) != c.leak {
			t.Errorf("%s: %+v", c.name, found)
		}
	}
}

// A slice has room for as many peers as were there at once, which depends on the machine: more
// from cycle to cycle by chance.
func TestCensusOfRoomForPeersAtOnce(t *testing.T) {
	t.Parallel()
	s := &censusSession{queue: make([][]byte, 0, 8)}
	c := &detect.Census{Roots: map[string]any{"session": s}}
	found := findIn(t, c, primes[:3], func(k int, dose int64) {
		here := int(dose) * (k + 1) / 4
		s.queue = append(s.queue, make([][]byte, here)...)[:0]
	})
	wantNone(t, found)
}

// The unused capacity of a queue that is consumed by slicing differs from reading to reading.
func TestCensusOfAQueueBySlicing(t *testing.T) {
	t.Parallel()
	s := &censusSession{queue: make([][]byte, 16)}
	c := &detect.Census{Roots: map[string]any{"session": s}}
	found := findIn(t, c, primes[:3], func(k int, _ int64) {
		for cap(s.queue) != 20+4*k { // by chance
			s.queue = append(s.queue, nil)[1:]
		}
	})
	wantNone(t, found)
}

// buffers are objects of which each holds the bytes of all peers, in arrays that double.
type buffers struct {
	array  []byte
	buffer bytes.Buffer
	text   strings.Builder
}

// Bytes that pile up in one object are found, though its array doubles now and then only. An array
// that follows the largest message is no leak.
func TestCensusFindsBytesOfOneObject(t *testing.T) {
	t.Parallel()
	leaking, following := &buffers{}, &buffers{}
	c := &detect.Census{Roots: map[string]any{"leaking": leaking, "following": following}}
	found := findIn(t, c, primes[:4], func(k int, dose int64) {
		for range dose {
			leaking.array = append(leaking.array, 1, 2)
			leaking.buffer.WriteString("of")
			leaking.text.WriteString("of")
		}
		following.array = append(following.array[:0], make([]byte, []int{900, 3000, 500, 2000}[k])...)
		following.buffer.Reset()
		following.buffer.Write(following.array)
	})
	var fields []string
	for _, f := range found {
		fields = append(fields, f.Field)
		wantCycles(t, f, 2*primes[0], 2*primes[1], 2*primes[2], 2*primes[3])
	}
	want := []string{"array", "buffer.buf", "text.buf"}
	for i, w := range want {
		want[i] = "detect_test.buffers(leaking)." + w
	}
	if slices.Sort(fields); !slices.Equal(fields, want) {
		t.Errorf("found %v, want %v", fields, want)
	}
}
