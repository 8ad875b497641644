//go:build !cgo

package detect_test

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// toyPages keeps its blocks outside of the heap.
type toyPages struct{ blocks int }

// Take maps a block and forgets it.
func (s *toyPages) Take(t *testing.T, pages int) {
	s.blocks++
	mapPages(t, -1, pages, syscall.MAP_ANON|syscall.MAP_PRIVATE)
}

func mapPages(t *testing.T, fd, pages, flags int) []byte {
	t.Helper()
	b, err := syscall.Mmap(fd, 0, pages*os.Getpagesize(), syscall.PROT_READ|syscall.PROT_WRITE, flags)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMapped(t *testing.T) {
	store := &toyPages{}
	m := &detect.Mapped{Roots: map[string]any{"store": store}}
	found := findIn(t, m, []int64{101, 103, 107}, func(_ int, dose int64) {
		for range dose {
			store.Take(t, 2)
		}
	})
	f := wantOne(t, found, verdict.Mapping, 2*311, "")
	wantCycles(t, f, 202, 206, 214)
	if f.Type != "anonymous" || f.Bytes != f.Count*int64(os.Getpagesize()) {
		t.Errorf("type %q, %d bytes", f.Type, f.Bytes)
	}
	if !strings.HasPrefix(f.Detail, "exactly 2 per peer") || !strings.Contains(f.Born.Function, "mapPages") {
		t.Errorf("born in %s: %s", f.Born, f.Detail)
	}
}

// The runtime maps a page or two that it does not count.
func TestMappedBesideNoise(t *testing.T) {
	store := &toyPages{}
	found := findIn(t, &detect.Mapped{}, []int64{1009, 1013}, func(k int, dose int64) { store.Take(t, int(dose)+k) })
	wantCycles(t, wantOne(t, found, verdict.Mapping, 1009+1014, ""), 1009, 1014)
	found = findIn(t, &detect.Mapped{}, []int64{1009, 1013}, func(k int, dose int64) { store.Take(t, int(dose)-2*k) })
	wantCycles(t, wantOne(t, found, verdict.Mapping, 1009+1011, ""), 1009, 1011)
	found = findIn(t, &detect.Mapped{}, []int64{1009, 1013}, func(k int, dose int64) { store.Take(t, int(dose)+7*k+8) }) // two leaks
	wantCycles(t, wantOne(t, found, verdict.Mapping, 1009+1013+23, ""), 1017, 1028)
	wantNone(t, findIn(t, &detect.Mapped{}, []int64{101, 103, 107}, func(int, int64) { store.Take(t, 2) }))
}

// What a pool forgets at each GC is mapped again, whatever the number of peers.
func TestMappedByTheCycle(t *testing.T) {
	store := &toyPages{}
	found := findIn(t, &detect.Mapped{}, []int64{101, 103, 107}, func(int, int64) { store.Take(t, 4) })
	wantCycles(t, wantOne(t, found, verdict.Mapping, 12, ""), 4, 4, 4)
}

func TestMappedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a log")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := findIn(t, &detect.Mapped{}, []int64{1, 1, 1}, func(int, int64) { mapPages(t, int(f.Fd()), 3, syscall.MAP_SHARED) })
	if got := wantOne(t, found, verdict.Mapping, 9, ""); got.Type != path {
		t.Errorf("of %q, want %q", got.Type, path)
	}
}

// The runtime maps memory for a heap, for stacks and for threads, and a program may map some
// itself for a while, or once.
func TestMappedBenign(t *testing.T) {
	cache := sync.OnceFunc(func() { mapPages(t, -1, 1000, syscall.MAP_ANON|syscall.MAP_PRIVATE) })
	wantNone(t, findIn(t, &detect.Mapped{}, []int64{1, 1, 1}, func(k int, _ int64) {
		var blocks [][]byte
		for range 200 * (k + 1) {
			blocks = append(blocks, make([]byte, 1<<20))
		}
		runtime.KeepAlive(blocks)
		var ended sync.WaitGroup
		end := make(chan struct{})
		for i := range 10_000 * (k + 1) {
			ended.Go(func() {
				if i < 20 { // the thread ends with the goroutine
					runtime.LockOSThread()
				}
				<-end
			})
		}
		close(end)
		ended.Wait()
		if k == 1 {
			debug.FreeOSMemory()
		}
		cache()
		if err := syscall.Munmap(mapPages(t, -1, 100, syscall.MAP_ANON|syscall.MAP_PRIVATE)); err != nil {
			t.Error(err)
		}
	}))
}

func TestMappedNeedsABaseline(t *testing.T) {
	m := &detect.Mapped{}
	if err := m.Cycle(t.Context(), detect.NewReading(1)); err != detect.ErrNoBaseline {
		t.Errorf("a cycle before the baseline: %v", err)
	}
	if _, err := m.Findings(t.Context()); err != detect.ErrNoCycle {
		t.Errorf("findings without a cycle: %v", err)
	}
}

func TestMappedIsOn(t *testing.T) {
	if why, do := (&detect.Mapped{}).Off(); why != "" || do != "" {
		t.Errorf("off because %q, do %q", why, do)
	}
}
