package detect_test

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// lodgings is a target whose guests take memory while they stay.
type lodgings struct {
	mu     sync.Mutex
	guests map[int]*guest
	spare  []*guest
	leave  func(*lodgings, *guest) // called for a guest that leaves
	name   func(letter []byte) string
	wait   func(end <-chan struct{})

	sameMap bool // keep the map of the peak
}

type guest struct {
	name string
	end  context.CancelFunc
}

// letterSize is the size of a letter, which contains the name of a guest.
const letterSize = 8 << 10

func copied(letter []byte) string { return string(letter[:8]) }

// pinned is a name that retains the letter it was cut from.
func pinned(letter []byte) string { return unsafe.String(&letter[0], 8) }

func waiting(end <-chan struct{}) { <-end }

// lying waits with a large stack.
func lying(end <-chan struct{}) {
	var room [20 << 10]byte
	<-end
	runtime.KeepAlive(&room)
}

func (l *lodgings) enter(i int) *guest {
	letter := bytes.Repeat([]byte("letter "), letterSize/7)
	g := &guest{name: l.name(letter)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.guests[i] = g
	return g
}

// gather brings guests, each with a goroutine that waits.
func (l *lodgings) gather(_ context.Context, n int) (func(), error) {
	var all sync.WaitGroup
	for i := range n {
		g := l.enter(i)
		var wait context.Context
		wait, g.end = context.WithCancel(context.Background())
		all.Go(func() { l.wait(wait.Done()) })
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for i, g := range l.guests {
			g.end()
			g.end = nil
			delete(l.guests, i)
			l.leave(l, g)
		}
		all.Wait()
		if !l.sameMap {
			l.guests = map[int]*guest{}
		}
	}, nil
}

func newLodgings() *lodgings {
	return &lodgings{guests: map[int]*guest{}, leave: func(*lodgings, *guest) {}, name: copied, wait: waiting}
}

const guests = 300

// measured returns the footprint of 300 guests.
func measured(t *testing.T, l *lodgings) *detect.Footprint {
	t.Helper()
	f := &detect.Footprint{}
	if err := f.Measure(t.Context(), l.gather, guests); err != nil {
		t.Fatal(err)
	}
	if f.Peers != guests || f.Held.Heap < 32 {
		t.Errorf("%d guests, of whom each costs %s", f.Peers, f.Held)
	}
	return f
}

func TestFootprintOfWhatIsRight(t *testing.T) {
	f := measured(t, newLodgings())
	wantNone(t, f.Findings(detect.FootprintLimits{Heap: 600, Left: 10}))
	if f.Held.Heap > 600 || f.Left.Heap > 10 {
		t.Errorf("there %s\nleft %s", f.Held, f.Left)
	}
}

// A cost above its limit is found, with its line: a name that retains its letter takes memory while
// the guest stays, and none afterwards.
func TestFootprintWhileTheyAreThere(t *testing.T) {
	l := newLodgings()
	l.name = pinned
	f := measured(t, l)
	found := f.Findings(detect.FootprintLimits{Heap: 600, Left: 10})
	wantFootprint(t, found, "(*lodgings).enter", "bytes of heap for each peer that is there, 600 are allowed")
	if each := found[0].Bytes / guests; each < letterSize-700 || each > letterSize+2000 {
		t.Errorf("%d bytes each", each)
	}
	if f.Left.Heap > 10 {
		t.Errorf("left %s", f.Left)
	}
}

// The map keeps the size of its peak.
func TestFootprintOfMaps(t *testing.T) {
	l := newLodgings()
	l.sameMap = true
	found := measured(t, l).Findings(detect.FootprintLimits{Left: 10})
	if len(found) != 1 || !strings.Contains(found[0].Born.Function, "(*lodgings).enter") {
		t.Errorf("%+v", found)
	}
}

// Memory that a peak leaves is found: guests in a list of spare ones.
func TestFootprintAfterTheyHaveLeft(t *testing.T) {
	l := newLodgings()
	l.leave = func(l *lodgings, g *guest) { l.spare = append(l.spare, g) }
	f := measured(t, l)
	found := f.Findings(detect.FootprintLimits{Left: 10})
	wantFootprint(t, found, "(*lodgings).enter", "bytes of heap stay of each peer that has left, 10 are allowed")
}

// Stacks are measured, too.
func TestFootprintOfStacks(t *testing.T) {
	l := newLodgings()
	if f := measured(t, l); f.Held.Stack > 12<<10 { // 0 if the stacks of other tests are used again
		t.Errorf("%.0f bytes of stack for each peer", f.Held.Stack)
	}
	l.wait = lying
	if f := measured(t, l); f.Held.Stack <= 12<<10 {
		t.Errorf("%.0f bytes of stack for each peer with a large one", f.Held.Stack)
	}
}

func wantFootprint(t *testing.T, found []verdict.Finding, born, detail string) {
	t.Helper()
	if len(found) != 1 {
		t.Fatalf("%d findings: %+v", len(found), found)
	}
	f := found[0]
	if f.Detector != "footprint" || f.Class != verdict.Object || !strings.Contains(f.Born.Function, born) || !strings.Contains(f.Detail, detail) {
		t.Errorf("%+v", f)
	}
	if f.Count < guests*9/10 || f.Count > guests {
		t.Errorf("%d of %d", f.Count, guests)
	}
}

// A target that cannot be reached, or that never settles, is an error.
func TestFootprintRefuses(t *testing.T) {
	full := func(context.Context, int) (func(), error) { return nil, errFull }
	if err := (&detect.Footprint{}).Measure(t.Context(), full, 10); err == nil {
		t.Error("no peer connected, and no error was returned")
	}
	l := newLodgings()
	stuck := &detect.Footprint{Settled: func(context.Context) error { return errFull }}
	if err := stuck.Measure(t.Context(), l.gather, 10); err == nil {
		t.Error("it never settled, and no error")
	}
	if err := (&detect.Footprint{}).Measure(t.Context(), l.gather, 0); err == nil {
		t.Error("no peers, and no error")
	}
}

var errFull = context.DeadlineExceeded
