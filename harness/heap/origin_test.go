package heap_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// toyCafe leaks several kinds of objects of its guests, each of which has its own table.
type toyCafe struct {
	bills map[string]*toyBill
	owed  []*toyBill
	ended chan struct{}
}

type toyTable struct {
	cafe *toyCafe
	name string
	due  *time.Timer
}

type toyBill struct {
	sum  [3]int64
	cafe *toyCafe
}

// come leaks a timer, a goroutine, an object under the name of a guest, and one without a name.
func (c *toyCafe) come(name string) {
	t := &toyTable{cafe: c, name: strings.Clone(name)}
	t.due = time.AfterFunc(time.Hour, func() { t.due.Reset(time.Hour) }) // the timer
	go c.serve(t)                                                        // the goroutine
	c.bills[t.name] = &toyBill{}                                         // the bill
	c.owed = append(c.owed, &toyBill{sum: [3]int64{1}, cafe: c})         // the nameless
}

func (c *toyCafe) serve(t *toyTable) {
	<-c.ended
	t.due.Stop()
}

// The scenario of objects, timers and goroutines of a line comes from names near them. Without a name
// they have none.
func TestOrigins(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	cafe := &toyCafe{bills: map[string]*toyBill{}, ended: make(chan struct{})}
	t.Cleanup(func() { close(cafe.ended) })
	wants := map[string]int64{"rst": 30, "clean": 50}
	goroutines := &detect.Goroutines{}
	if err := goroutines.Baseline(t.Context(), detect.NewReading(0)); err != nil {
		t.Fatal(err)
	}
	for scenario, n := range wants {
		for i := range n {
			cafe.come(fmt.Sprintf("%s-1-%d", scenario, i))
		}
	}
	if err := goroutines.Cycle(t.Context(), detect.NewReading(80)); err != nil {
		t.Fatal(err)
	}
	found, err := goroutines.Findings(t.Context())
	if err != nil || len(found) != 1 {
		t.Fatalf("findings %+v (%v), want one", found, err)
	}
	for mark, class := range map[string]verdict.Class{"the timer": verdict.Timer, "the bill": verdict.Object, "the nameless": verdict.Object} {
		found = append(found, verdict.Finding{Class: class, Born: fixture.LineOf(t, "origin_test.go", mark), Count: 80})
	}
	label := func(text string) string {
		scenario, rest, ok := strings.Cut(text, "-1-")
		if !ok || rest == "" {
			return ""
		}
		return scenario
	}
	if err := heap.Explain(t.Context(), map[string]any{"cafe": cafe}, label, found); err != nil {
		t.Fatal(err)
	}
	nameless := fixture.LineOf(t, "origin_test.go", "the nameless")
	for _, f := range found {
		want := wants
		if f.Born.Line == nameless.Line {
			want = nil
		}
		if !maps.Equal(f.PerScenario, want) {
			t.Errorf("%s at %s is of %v, want %v", f.Class, f.Born, f.PerScenario, want)
		}
	}
}

// toyLink is an element of a list.
type toyLink struct{ next *toyLink }

// The time for a long list is not quadratic.
func TestOriginsOfALongList(t *testing.T) {
	if testing.Short() {
		t.Skip("what it shows is a time, which the race detector changes")
	}
	if fixture.InChild(t) {
		return
	}
	root := &toyLink{}
	for range 20_000 {
		root.next = &toyLink{next: root.next} // the link
	}
	found := []verdict.Finding{{
		Class: verdict.Object, Born: fixture.LineOf(t, "origin_test.go", "the link"), Count: 20_000,
		Path: []verdict.Edge{{Holder: "list"}}, // only its scenarios are missing
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	err := heap.Explain(ctx, map[string]any{"list": root}, func(string) string { return "" }, found)
	if err != nil || found[0].PerScenario != nil {
		t.Errorf("%v: %v", err, found[0].PerScenario)
	}
}
