package detect_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
)

// The cost of a reading of Sites, with its collection.
func BenchmarkSitesReading(b *testing.B) {
	h, rng := newToyHub(), rand.New(rand.NewPCG(1, 1))
	h.crowd(rng, 1100, nil)
	s := &detect.Sites{}
	for b.Loop() {
		if err := s.Baseline(b.Context(), detect.NewReading(0)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCollect(b *testing.B) {
	for b.Loop() {
		if err := detect.NewReading(0).Collect(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// The cost of heap.RecordAll: an allocation with it and without.
func BenchmarkExactHeap(b *testing.B) {
	for _, rate := range []int{1, 512 << 10} {
		b.Run(fmt.Sprint("rate_", rate), func(b *testing.B) {
			defer func(before int) { runtime.MemProfileRate = before }(runtime.MemProfileRate)
			runtime.MemProfileRate = rate
			for b.Loop() {
				allocated = new([4]uint64)
			}
		})
	}
}

var allocated *[4]uint64
