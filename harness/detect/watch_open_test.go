package detect

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/pigeonhub/pigeonhub/harness/internal/toyhub"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

func TestWatchUnclosed(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	var kept []*toyhub.Peer
	func() {
		for i, label := range []string{"rst/closed", "rst/forgotten", "vanish/forgotten", "rst/kept open", "rst/kept closed"} {
			p := &toyhub.Peer{}
			if err := w.Open(p, label); err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(label, "closed") {
				w.Closed(p)
				w.Closed(p)
			}
			if i >= 3 {
				kept = append(kept, p)
			}
		}
		w.Closed(&toyhub.Peer{})
		w.Closed(nil)
	}()
	for range 2 { // unclosed objects stay unclosed
		found := settled(t, w)
		if len(found) != 2 {
			t.Fatalf("got %d findings, want 2: %+v", len(found), found)
		}
		slices.SortFunc(found, func(a, b verdict.Finding) int { return strings.Compare(string(a.Class), string(b.Class)) })
		retained, unclosed := found[0], found[1]
		if retained.Class != verdict.Object || retained.Count != 2 || !strings.HasSuffix(retained.Detail, "rst/kept closed; 1 of them were never closed") {
			t.Errorf("retained: got %+v", retained)
		}
		if unclosed.Class != verdict.Unclosed || unclosed.Count != 2 || !maps.Equal(unclosed.PerScenario, map[string]int64{"rst": 1, "vanish": 1}) {
			t.Errorf("not closed: got %+v", unclosed)
		}
	}
	runtime.KeepAlive(kept)
}

// An object at the address of one that was collected without Closed is another object.
func TestWatchClosedIsOfTheObject(t *testing.T) {
	t.Parallel()
	const forgotten = 1000 // too few for a sweep by Open
	w := NewWatch()
	places := map[uintptr]bool{}
	func() {
		for range forgotten {
			p := &toyhub.Peer{}
			if err := w.Open(p, "rst/forgotten"); err != nil {
				t.Fatal(err)
			}
			places[uintptr(unsafe.Pointer(p))] = true
		}
	}()
	runtime.GC()
	var kept []*toyhub.Peer
	for inPlace := false; !inPlace || len(kept) < 10_000; {
		p := &toyhub.Peer{}
		w.Closed(p)
		inPlace = inPlace || places[uintptr(unsafe.Pointer(p))]
		if kept = append(kept, p); len(kept) > 1_000_000 {
			t.Fatal("no place was used again")
		}
	}
	found := settled(t, w)
	if len(found) != 1 || found[0].Class != verdict.Unclosed || found[0].Count != forgotten {
		t.Errorf("got %+v, want %d not closed", found, forgotten)
	}
	runtime.KeepAlive(kept)
}

// One Closed closes an object that was opened twice. After that, it can be opened again.
func TestWatchOpenedTwice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		calls    string // o opens, c closes
		unclosed int64
	}{
		{"ooc", 0}, {"oocc", 0}, {"ococ", 0},
		{"oo", 2}, {"oco", 1}, {"ooco", 1},
	} {
		w := NewWatch()
		func() {
			p := &toyhub.Peer{}
			for _, call := range test.calls {
				if call == 'c' {
					w.Closed(p)
				} else if err := w.Open(p, "rst/x"); err != nil {
					t.Fatal(err)
				}
			}
		}()
		var unclosed int64
		for _, f := range settled(t, w) {
			unclosed += f.Count
		}
		if unclosed != test.unclosed || len(w.unclosed) != 0 {
			t.Errorf("%s: %d were never closed, want %d; the watch keeps %d", test.calls, unclosed, test.unclosed, len(w.unclosed))
		}
	}
}
