package heap

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
)

type (
	chainLink struct{ next *chainLink }
	chainEven struct{ odd *chainOdd }
	chainOdd  struct{ even *chainEven }
)

// Without a bound, the paths to all links of a chain would have the square of its length in edges: 20
// GB for 20,000 links.
func TestRetainersOfAChain(t *testing.T) {
	t.Parallel()
	if fixture.InChild(t) {
		return
	}
	const length = 20_000
	list, alternating := &chainLink{}, &chainEven{}
	var objects []Object
	keep := func(p any) {
		o, err := ObjectOf(p)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	func() {
		link, even := list, alternating
		for range length {
			link.next = &chainLink{}
			link = link.next
			even.odd = &chainOdd{even: &chainEven{}}
			even = even.odd.even
			keep(link)
			keep(even)
		}
	}()
	found, _ := wantRetainers(t, map[string]any{"list": list, "alternating": alternating}, objects)
	for i, want := range []string{
		"heap.chainLink.next",
		"heap.chainEven.odd -> *heap.chainOdd.even",
		"heap.chainLink.next -> *heap.chainLink.next",
	} {
		if got := pathText(found[i].Path); got != want {
			t.Errorf("%d: got %s, want %s", i, got, want)
		}
	}
	if got, want := pathText(found[2*length-2].Path), "heap.chainLink.next -> *heap.chainLink.next (repeated)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	last := found[2*length-1].Path
	if got := pathText(last); len(last) > longestPath+1 || !strings.HasPrefix(got, "heap.chainEven.odd -> ") ||
		!strings.Contains(got, " -> ... -> ") || !strings.HasSuffix(got, " -> *heap.chainOdd.even") {
		t.Errorf("%d edges: %s", len(last), got)
	}
}
