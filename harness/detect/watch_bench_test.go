package detect

import (
	"context"
	"runtime"
	"testing"
)

type watchBenchSession struct {
	_ *watchBenchSession
	_ [40]uint64
}

// withoutProfile switches off the cost of heap.RecordAll.
func withoutProfile(b *testing.B) {
	rate := runtime.MemProfileRate
	runtime.MemProfileRate = 0
	b.Cleanup(func() { runtime.MemProfileRate = rate })
}

// benchmarkLives makes peers of which 10,000 live at a time.
func benchmarkLives(b *testing.B, add func(*watchBenchSession)) {
	withoutProfile(b)
	b.ReportAllocs()
	var live [10_000]*watchBenchSession
	for i := 0; b.Loop(); i++ {
		s := new(watchBenchSession)
		live[i%len(live)] = s
		add(s)
	}
}

func BenchmarkWatchNone(b *testing.B) { benchmarkLives(b, func(*watchBenchSession) {}) }

func BenchmarkWatchAdd(b *testing.B) {
	w := NewWatch()
	benchmarkLives(b, func(s *watchBenchSession) {
		if err := w.Add(s, "rst/alice"); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkWatchOpen(b *testing.B) {
	w := NewWatch()
	benchmarkLives(b, func(s *watchBenchSession) {
		if err := w.Open(s, "rst/alice"); err != nil {
			b.Fatal(err)
		}
		w.Closed(s)
	})
}

// BenchmarkWatchSettle settles 100,000 objects, of which none or one is alive.
func BenchmarkWatchSettle(b *testing.B) {
	for _, kept := range []int{0, 1} {
		b.Run(map[int]string{0: "clean", 1: "one"}[kept], func(b *testing.B) {
			withoutProfile(b)
			for b.Loop() {
				b.StopTimer()
				w := NewWatch()
				var keep *watchBenchSession
				for i := range 100_000 {
					s := new(watchBenchSession)
					if i == 50_000 && kept == 1 {
						keep = s
					}
					w.Add(s, "rst/alice")
				}
				b.StartTimer()
				found, err := w.Settle(context.Background())
				if err != nil || len(found) != kept {
					b.Fatal(found, err)
				}
				runtime.KeepAlive(keep)
			}
		})
	}
}
