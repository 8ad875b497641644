package heap

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/internal/toyhub"
)

// benchSession is a typical session of a hub: two goroutines, a queue, buffers.
type benchSession struct {
	id     string
	queue  chan []byte
	read   []byte
	ctx    context.Context
	cancel context.CancelFunc
}

//go:noinline
func (s *benchSession) pump(wg *sync.WaitGroup) {
	defer wg.Done()
	var local [64]byte
	select {
	case b := <-s.queue:
		copy(local[:], b)
	case <-s.ctx.Done():
	}
	s.read[0] = local[0]
}

// BenchmarkRetainers finds the retainers of 100 objects, by the number of sessions.
func BenchmarkRetainers(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := toyhub.New()
			sessions := map[string]*benchSession{}
			var wg sync.WaitGroup
			for i := range n {
				s := &benchSession{id: fmt.Sprintf("%040d", i), queue: make(chan []byte, 16), read: make([]byte, 2048)}
				s.ctx, s.cancel = context.WithCancel(h.Context())
				sessions[s.id] = s
				wg.Add(2)
				go s.pump(&wg)
				go s.pump(&wg)
			}
			objects := make([]Object, 100)
			for i := range objects {
				p := &toyhub.Peer{}
				h.Rooms["n-7"].Members[fmt.Sprint(i)] = p
				objects[i], _ = ObjectOf(p)
			}
			var tier Tier
			for b.Loop() {
				found, t, err := Retainers(b.Context(), "", map[string]any{"hub": h, "sessions": &sessions}, objects)
				if err != nil || len(found[99].Path) != 2 {
					b.Fatal(found[99], err)
				}
				tier = t
			}
			b.ReportMetric(float64(tier.Dump)/1e6, "dump-MB")
			h.Close()
			wg.Wait()
		})
	}
}
