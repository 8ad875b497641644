package detect_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

// habits has ways in which peers change a hub without a leak.
var habits = map[string]func(*rand.Rand, *toySession){
	"bounded cache that the warm-up filled": func(_ *rand.Rand, s *toySession) {
		if s.hub.seen = append(s.hub.seen, strings.Clone(s.id)); len(s.hub.seen) > 500 {
			s.hub.seen = append(s.hub.seen[:0:0], s.hub.seen[1:]...)
		}
	},
	"log buffers": func(_ *rand.Rand, s *toySession) { s.hub.log.Info("peer left", "peer", s.id, "queue", len(s.queue)) },
	"tokens that expire": func(_ *rand.Rand, s *toySession) {
		// Tokens of the last 300 peers, as a TTL leaves them at a steady rate.
		s.hub.kept = append(s.hub.kept, &sixteen{})
		if len(s.hub.kept) > 300 {
			s.hub.kept = slices.Delete(s.hub.kept, 0, 1)
		}
	},
	"pool": func(_ *rand.Rand, s *toySession) {
		for range 3 {
			s.hub.pool.Put(new([512]byte))
		}
	},
	"queue by q=q[1:]": func(_ *rand.Rand, s *toySession) {
		if s.hub.seen = append(s.hub.seen, strings.Clone(s.id)); len(s.hub.seen) > 10 {
			s.hub.seen = s.hub.seen[1:]
		}
	},
	"lazy singleton": func(_ *rand.Rand, s *toySession) {
		if len(s.hub.kept) < 1009 {
			s.hub.kept = append(s.hub.kept, new([64]byte))
		}
	},
	"free list that follows the peak": func(rng *rand.Rand, s *toySession) {
		if len(s.hub.free) < 100+rng.IntN(20) {
			s.hub.free = append(s.hub.free, s)
		}
	},
	"map that does not shrink": func(rng *rand.Rand, s *toySession) {
		if rng.IntN(50) > 0 {
			return
		}
		m := map[int]int{}
		for i := range 1000 {
			m[i] = i
		}
		clear(m)
		if len(s.hub.kept) == 0 {
			s.hub.kept = append(s.hub.kept, m)
		}
	},
	"map that grows": func(rng *rand.Rand, s *toySession) { // Census finds it
		s.hub.tags[rng.Uint64()] = 1
	},
	"goroutines that wait": func(rng *rand.Rand, _ *toySession) {
		if rng.IntN(50) > 0 {
			return
		}
		var wg sync.WaitGroup
		ch := make(chan int)
		for range 50 {
			wg.Go(func() { <-ch })
		}
		close(ch)
		wg.Wait()
	},
}

// Growth up to a bound, and movement up and down, are no leaks.
func TestSitesBenign(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	for name, each := range habits {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			h, rng := newToyHub(), rand.New(rand.NewPCG(7, 7))
			h.crowd(rng, 1100, nil)
			if name != "lazy singleton" {
				h.crowd(rng, 1100, each)
			}
			found := findIn(t, &detect.Sites{}, primes[:3], func(_ int, dose int64) { h.crowd(rng, dose, each) })
			wantNone(t, found)
			runtime.KeepAlive(h)
		})
	}
}

// Other traffic at the time of a reading moves the count of a line up and down, but it does not keep
// growing.
func TestSitesBesideOtherTraffic(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	h, rng := newToyHub(), rand.New(rand.NewPCG(8, 8))
	h.crowd(rng, 1100, nil)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		other, rng := newToyHub(), rand.New(rand.NewPCG(9, 9))
		for {
			select {
			case <-stop:
				return
			default:
				other.crowd(rng, 50, nil)
			}
		}
	})
	wantNone(t, findIn(t, &detect.Sites{}, primes, func(_ int, dose int64) { h.crowd(rng, dose, nil) }))
	close(stop)
	wg.Wait()
}
