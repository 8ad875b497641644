package heap

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/internal/toyhub"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// wantRetainers returns the retainers of objects, which must not fail.
func wantRetainers(t *testing.T, roots map[string]any, objects []Object) ([]Retainer, Tier) {
	t.Helper()
	found, tier, err := Retainers(t.Context(), t.TempDir(), roots, objects)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(tier.File); err != nil || info.Size() != int64(tier.Dump) {
		t.Errorf("the dump of %d bytes is not at %q: %v", tier.Dump, tier.File, err)
	}
	return found, tier
}

// plantAll keeps one peer of a hub in each way and returns them.
func plantAll(h *toyhub.Hub) []Object {
	var objects []Object
	h.PlantAll(func(p *toyhub.Peer) {
		o, err := ObjectOf(p)
		if err != nil {
			panic(err)
		}
		objects = append(objects, o)
	})
	return objects
}

var untyped = regexp.MustCompile(`object of \d+ bytes\.\+0x[0-9a-f]+`)

var functionLiteral = regexp.MustCompile(`\.func\d+(\.\d+)*`)

// pathText returns a path as text for comparison.
func pathText(path []verdict.Edge) string {
	var steps []string
	for _, e := range Normal(path) {
		step := e.Holder
		if e.Field != "" {
			step += "." + e.Field
		}
		steps = append(steps, step)
	}
	text := strings.ReplaceAll(strings.Join(steps, " -> "), ".[", "[")
	text = functionLiteral.ReplaceAllString(text, ".func*")
	return untyped.ReplaceAllString(text, "object")
}

func TestRetainers(t *testing.T) {
	t.Parallel()
	if fixture.InChild(t) {
		return
	}
	h := toyhub.New()
	defer h.Close()
	objects := plantAll(h)
	found, tier := wantRetainers(t, map[string]any{"hub": h}, objects)
	t.Logf("tier: variables=%t symbols=%t: %s", tier.Variables, tier.Symbols, tier)
	for i, plant := range toyhub.Plants {
		want := plant.Want
		if plant.Name == "cleanup" && !tier.Sites {
			want = "no root: perhaps the argument of a cleanup"
		}
		if plant.Dark != "" && !tier.Variables {
			want = plant.Dark
			if name, _, _ := strings.Cut(plant.Want, "["); tier.Symbols {
				name, _, _ = strings.Cut(strings.TrimPrefix(name, "var toyhub."), ".")
				want = strings.Replace(want, "*", "var toyhub."+name, min(1, strings.Count(plant.Want, "var ")))
			} else if strings.HasPrefix(want, "*") {
				want = strings.Replace(want, "*", "a package variable", 1)
			}
		}
		if got := pathText(found[i].Path); got != want {
			t.Errorf("%s:\n got %s\nwant %s", plant.Name, got, want)
		}
		if tier.Sites && !strings.HasSuffix(found[i].Born.Function, "(*Hub).PlantAll") {
			t.Errorf("%s: born at %s", plant.Name, found[i].Born)
		}
	}
	wantConcrete(t, found, tier)
	runtime.KeepAlive(h)
}

// wantConcrete checks keys, indexes, and the lines that stored.
func wantConcrete(t *testing.T, found []Retainer, tier Tier) {
	t.Helper()
	want := map[string]string{
		"map in map":      `Members["alice"]`,
		"large map":       `Members["bob"]`,
		"array key":       `byID[cafe0000]`,
		"map key":         `bySession[key]`,
		"struct in map":   `byValue[-7].peer`,
		"slice":           `Order[2]`,
		"slice tail":      `list[1, beyond its length 1]`,
		"struct in slice": `entries[1].peer`,
		"queue":           `queue[-2, before its start]`,
		"channel":         `inbox[1]`,
		"sync.Map":        `all["carol"].(*toyhub.Peer)`,
	}
	for i, plant := range toyhub.Plants {
		w, ok := want[plant.Name]
		if !ok {
			continue
		}
		delete(want, plant.Name)
		if len(found[i].Path) == 0 {
			t.Errorf("%s: no path", plant.Name)
			continue
		}
		last := found[i].Path[len(found[i].Path)-1]
		if last.Field != w {
			t.Errorf("%s: got %s, want %s", plant.Name, last.Field, w)
		}
		// Maps that grew before have the line that grew them.
		if file := filepath.Base(found[i].Stored.File); tier.Sites && file != "toyhub.go" {
			t.Errorf("%s: stored at %q", plant.Name, found[i].Stored)
		}
	}
	if len(want) > 0 {
		t.Errorf("not planted: %v", want)
	}
}

// toyKept keeps a hub that is no root for Retainers.
var toyKept *toyhub.Hub

func TestRetainersWithoutRoots(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	toyKept = toyhub.New()
	defer func() { toyKept = nil }()
	defer toyKept.Close()
	found, tier := wantRetainers(t, nil, plantAll(toyKept)[:1])
	got := pathText(found[0].Path)
	want := "var heap.toyKept -> *toyhub.Hub.Rooms[*] -> *toyhub.Room.Members[*]"
	switch {
	case tier.Variables && got == want:
	case !tier.Variables && strings.HasSuffix(got, "map[string]*toyhub.Room[*] -> *toyhub.Room.Members[*]"):
	default:
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRetainersRoots(t *testing.T) {
	t.Parallel()
	if fixture.InChild(t) {
		return
	}
	inMap, inChan, inFunc, inTwo := map[string]*toyhub.Peer{}, make(chan *toyhub.Peer, 1), []func(){nil}, [2]*toyhub.Room{{}, {Order: make([]*toyhub.Peer, 1)}}
	objects := func() []Object {
		var objects []Object
		for i := range 4 {
			p := &toyhub.Peer{}
			switch i {
			case 0:
				inMap["x"] = p
			case 1:
				inChan <- p
			case 2:
				inFunc[0] = p.Expire
			case 3:
				inTwo[1].Order[0] = p
			}
			o, _ := ObjectOf(p)
			objects = append(objects, o)
		}
		return objects
	}()
	found, _ := wantRetainers(t, map[string]any{
		"a map": inMap, "a channel": inChan, "a function": inFunc[0], "first": inTwo[0], "second": inTwo[1],
	}, objects)
	for i, want := range []string{`a map[*]`, `a channel[*]`, `a function`, `second.Order[*]`} {
		if got := pathText(found[i].Path); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for name, bad := range map[string]any{"nil": nil, "number": 1, "nil pointer": (*toyhub.Hub)(nil)} {
		if _, _, err := Retainers(t.Context(), "", map[string]any{name: bad}, nil); err == nil {
			t.Errorf("a root that is a %s was taken", name)
		}
	}
	runtime.KeepAlive(inMap)
	runtime.KeepAlive(inTwo)
}

// A goroutine that waits in a select statement holds the channels of it. The runtime's record of the
// wait (runtime.sudog) may be older than RecordAll.
func TestRetainersOfAWaiter(t *testing.T) {
	t.Parallel()
	if fixture.InChild(t) {
		return
	}
	done := make(chan struct{})
	defer close(done)
	objects := waitToSend(t, done, 1)
	resume := PauseRecording()
	objects = append(objects, waitToSend(t, done, 300)...) // more than a processor has at hand
	resume()
	found, _ := wantRetainers(t, nil, objects)
	for i := range found {
		if got, want := pathText(found[i].Path), "goroutine * heap.waitToSend.func* -> object -> object"; got != want {
			t.Fatalf("waiter %d: got %s, want %s", i, got, want)
		}
	}
}

// waitToSend starts n goroutines that each wait for room in a channel, and returns what is in these.
func waitToSend(t *testing.T, done chan struct{}, n int) (objects []Object) {
	t.Helper()
	before := selecting()
	for range n {
		full, first := make(chan *toyhub.Peer, 1), &toyhub.Peer{}
		full <- first
		go func() {
			select {
			case full <- nil:
			case <-done:
			}
		}()
		object, err := ObjectOf(first)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	for selecting() < before+n {
		runtime.Gosched()
	}
	return objects
}

// selecting returns how many goroutines of waitToSend wait.
func selecting() (n int) {
	all := make([]byte, 1<<20)
	for g := range strings.SplitSeq(string(all[:runtime.Stack(all, true)]), "\n\n") {
		if strings.Contains(g, " [select") && strings.Contains(g, "waitToSend.func1") {
			n++
		}
	}
	return n
}

func TestRetainersOfWhatIsGone(t *testing.T) {
	t.Parallel()
	if fixture.InChild(t) {
		return
	}
	object := func() Object {
		o, err := ObjectOf(&toyhub.Peer{})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}()
	variable, err := ObjectOf(&toyhub.State)
	if err != nil {
		t.Fatal(err)
	}
	found, tier := wantRetainers(t, nil, []Object{object, variable})
	if found[0].Path != nil {
		t.Errorf("an object that was collected is held by %v", found[0].Path)
	}
	want := "a package variable"
	if tier.Symbols {
		want = "var toyhub.State"
	}
	if got := pathText(found[1].Path); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, bad := range []any{nil, 1, (*toyhub.Peer)(nil)} {
		if _, err := ObjectOf(bad); err == nil {
			t.Errorf("%#v was taken for an object", bad)
		}
	}
}

func TestNormal(t *testing.T) {
	t.Parallel()
	got := Normal([]verdict.Edge{
		{Kind: verdict.GoroutineHolder, Holder: "goroutine 17 hub.(*session).run"},
		{Holder: "*hub.network", Field: `members["a]b\"["].list[3, beyond its length 2].x[key]`},
	})
	if want := "[{goroutine goroutine * hub.(*session).run  } { *hub.network members[*].list[*].x[*] }]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
