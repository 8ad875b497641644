package loadgen

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// BenchmarkIdlePeer measures the memory of an idle peer: heap and stacks in use, in bytes. It
// connects many peers to a hub in another process and reads when all have announced. The bound is
// 8 KB.
func BenchmarkIdlePeer(b *testing.B) {
	const peers, bound = 15_000, 8 << 10
	url := startHubProcess(b)
	for b.Loop() {
		before := memoryInUse()
		f := newFleet(url, codec.PeerPigeon{})
		connectMany(b, f, peers)
		each := float64(memoryInUse()-before) / peers
		b.ReportMetric(each, "bytes/peer")
		if each > bound {
			b.Errorf("an idle peer takes %.0f bytes, at most %d are allowed", each, bound)
		}
		f.closeAll(leavePatience)
	}
	b.ReportMetric(0, "ns/op") // says nothing
}

// connectMany connects and announces peers, 100 to a network, and returns when all
// have been greeted.
func connectMany(tb testing.TB, f *fleet, n int) {
	tb.Helper()
	var work sync.WaitGroup
	const atOnce = 64
	rooms := make([]*network, n/100+1)
	for i := range rooms {
		rooms[i] = newNetwork("idle-"+string(schedule.PeerID(1, uint64(i))), f.rec)
	}
	for w := range atOnce {
		work.Go(func() {
			for i := w; i < n; i += atOnce {
				now := time.Now()
				p, err := f.dial(context.Background(), schedule.PeerID(7, uint64(i)), schedule.At(now))
				if err == nil {
					err = p.announce(rooms[i%len(rooms)], schedule.At(now))
				}
				if err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	work.Wait()
	for _, p := range f.peers() {
		for !p.isGreeted() && !p.isOver() {
			runtime.Gosched()
		}
	}
	if f.size() != n {
		tb.Fatalf("%d of %d peers are connected", f.size(), n)
	}
	quiet(f)
}

// quiet waits until no message comes any more.
func quiet(f *fleet) {
	for last := int64(-1); last != f.received.Load(); pause(context.Background(), 300*time.Millisecond) {
		last = f.received.Load()
	}
}

// memoryInUse is heap and stacks in use, after what is not has been let go.
func memoryInUse() int64 {
	runtime.GC()
	debug.FreeOSMemory()
	s := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/memory/classes/os-stacks:bytes"},
	}
	metrics.Read(s)
	var sum int64
	for _, m := range s {
		sum += int64(m.Value.Uint64())
	}
	return sum
}
