package detect_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
)

func BenchmarkCensus(b *testing.B) {
	h := newCensusHub(context.Background())
	for i := range 10_000 {
		s := &censusSession{id: fmt.Sprint(i), queue: make([][]byte, 2)}
		h.sessions[s.id] = s
		h.networks[s.id] = &censusNetwork{members: map[string]*censusSession{s.id: s}, hub: h}
	}
	c := detect.Census{Roots: map[string]any{"hub": h}}
	for b.Loop() {
		if _, err := c.Count(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
