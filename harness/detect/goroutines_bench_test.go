package detect_test

import (
	"fmt"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

// The cost of a look, by the number of goroutines, with labels and without.
func BenchmarkGoroutines(b *testing.B) {
	for _, n := range []int64{100, 10_000} {
		for _, labels := range []map[string]string{nil, {"none": "has it"}} {
			b.Run(fmt.Sprintf("%d/labels_%v", n, labels != nil), func(b *testing.B) {
				h := fixture.NewHerd(b)
				defer h.End()
				h.Leak(n)
				g := &detect.Goroutines{Labels: labels}
				if err := g.Baseline(b.Context(), detect.NewReading(0)); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if err := g.Quiet(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
