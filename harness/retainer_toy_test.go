package harness

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// toyHub keeps peers in every way in which Go can.
type toyHub struct {
	rooms     map[string]*toyRoom
	byID      map[[4]byte]*toyPeer
	bySession map[*toyPeer]struct{}
	byValue   map[int]toyEntry
	list      []*toyPeer
	queue     []*toyPeer
	cleaned   *toyEntry
	entries   []toyEntry
	listeners []func()
	logger    fmt.Stringer
	last      any
	inbox     chan *toyPeer
	chain     *toyPeer
	ctx       context.Context
	cancel    context.CancelFunc
	idle      *time.Timer
	all       sync.Map
	current   toyAtomic
}

type toyAtomic struct{ entry [2]toyEntry }

type toyRoom struct {
	members map[string]*toyPeer
	order   []*toyPeer
}

type toyEntry struct {
	at   int64
	peer *toyPeer
}

// toyPeer is what is to be found. It has a pointer, as a session has.
type toyPeer struct {
	name string
	next *toyPeer
	buf  [64]byte
}

func (p *toyPeer) String() string { return p.name }

func (p *toyPeer) expire() { p.buf[0]++ }

// Package variables that retain.
var (
	toyRegistry = map[string]*toyPeer{}
	toyLast     *toyPeer
	toyState    struct {
		sync.Mutex
		peers []toyEntry
	}
)

// toyPlant is one way to keep a peer, and the path that must be found.
type toyPlant struct {
	name string
	put  func(*toyHub, *toyPeer)
	want string // with DWARF
	dark string // without, if that says less; a * stands for what only symbols tell
}

var toyPlants = []toyPlant{
	{"map in map", func(h *toyHub, p *toyPeer) { h.rooms["n-1"].members["alice"] = p }, `harness.toyHub.rooms[*] -> *harness.toyRoom.members[*]`, ""},
	{"large map", func(h *toyHub, p *toyPeer) { h.rooms["n-42"].members["bob"] = p }, `harness.toyHub.rooms[*] -> *harness.toyRoom.members[*]`, ""},
	{"array key", func(h *toyHub, p *toyPeer) { h.byID[[4]byte{0xca, 0xfe}] = p }, `harness.toyHub.byID[*]`, ""},
	{"map key", func(h *toyHub, p *toyPeer) { h.bySession[p] = struct{}{} }, `harness.toyHub.bySession[*]`, ""},
	{"struct in map", func(h *toyHub, p *toyPeer) { h.byValue[-7] = toyEntry{1, p} }, `harness.toyHub.byValue[*].peer`, ""},
	{"slice", func(h *toyHub, p *toyPeer) { h.rooms["n-1"].order = append(h.rooms["n-1"].order, nil, nil, p) }, `harness.toyHub.rooms[*] -> *harness.toyRoom.order[*]`, ""},
	{"slice tail", func(h *toyHub, p *toyPeer) { h.list = append(h.list, &toyPeer{}, p); h.list = h.list[:1] }, `harness.toyHub.list[*]`, ""},
	{"queue", func(h *toyHub, p *toyPeer) { h.queue = append(make([]*toyPeer, 0, 8), nil, p, nil, nil)[3:] }, `harness.toyHub.queue[*]`, ""},
	{"struct in slice", func(h *toyHub, p *toyPeer) { h.entries = append(make([]toyEntry, 3), toyEntry{1, p})[2:] }, `harness.toyHub.entries[*].peer`, ""},
	{"closure", func(h *toyHub, p *toyPeer) { h.listeners = append(h.listeners, func() { p.expire() }) },
		`harness.toyHub.listeners[*] -> func harness.init.func*.p`, `harness.toyHub.listeners[*] -> func harness.init.func*`},
	{"method value", func(h *toyHub, p *toyPeer) { h.listeners = append(h.listeners, p.expire) },
		`harness.toyHub.listeners[*] -> func harness.(*toyPeer).expire-fm`, ""},
	{"interface", func(h *toyHub, p *toyPeer) { h.logger = p }, `harness.toyHub.logger.(*harness.toyPeer)`, ""},
	{"empty interface", func(h *toyHub, p *toyPeer) { h.last = toyEntry{1, p} }, `harness.toyHub.last.(harness.toyEntry) -> *harness.toyEntry.peer`, ""},
	{"channel", func(h *toyHub, p *toyPeer) { h.inbox <- nil; h.inbox <- p }, `harness.toyHub.inbox[*]`, ""},
	{"list", func(h *toyHub, p *toyPeer) { h.chain = &toyPeer{next: &toyPeer{next: p}} }, `harness.toyHub.chain -> *harness.toyPeer.next (repeated)`, ""},
	{"array in struct", func(h *toyHub, p *toyPeer) { h.current.entry[1].peer = p }, `harness.toyHub.current.entry[*].peer`, ""},
	{"sync.Map", func(h *toyHub, p *toyPeer) {
		for i := range 100 {
			h.all.Store(fmt.Sprint(i), i)
		}
		h.all.Store("carol", p)
	}, `harness.toyHub.all[*].(*harness.toyPeer)`, ""},
	{"context child", func(h *toyHub, p *toyPeer) {
		ctx, cancel := context.WithCancel(context.WithValue(h.ctx, toyKey{}, p))
		_, _ = ctx, cancel
	}, `harness.toyHub.ctx.(*context.cancelCtx) -> *context.cancelCtx.children[*].(*context.cancelCtx) -> *context.cancelCtx.Context.(*context.valueCtx) -> *context.valueCtx.val.(*harness.toyPeer)`, ""},
	{"context.AfterFunc", func(h *toyHub, p *toyPeer) { context.AfterFunc(h.ctx, p.expire) },
		`harness.toyHub.ctx.(*context.cancelCtx) -> *context.cancelCtx.children[*].(*context.afterFuncCtx) -> *context.afterFuncCtx.f -> func harness.(*toyPeer).expire-fm`, ""},
	{"time.AfterFunc", func(_ *toyHub, p *toyPeer) { time.AfterFunc(time.Hour, func() { p.expire() }) },
		`runtime timers[*] -> *runtime.timer.arg.(func()) -> func harness.init.func*.p`, `runtime timers[*] -> *runtime.timer.arg.(func()) -> func harness.init.func*`},
	{"held timer", func(h *toyHub, p *toyPeer) { h.idle = time.AfterFunc(time.Hour, p.expire) },
		`harness.toyHub.idle -> *time.Timer.arg.(func()) -> func harness.(*toyPeer).expire-fm`, ""},
	{"variable map", func(_ *toyHub, p *toyPeer) { toyRegistry["dave"] = p }, `var harness.toyRegistry[*]`, `* -> object -> object`},
	{"variable", func(_ *toyHub, p *toyPeer) { toyLast = p }, `var harness.toyLast`, `*`},
	{"variable struct", func(_ *toyHub, p *toyPeer) { toyState.peers = append(toyState.peers, toyEntry{1, p}) },
		`var harness.toyState.peers[*].peer`, `* -> object`},
	{"goroutine", func(h *toyHub, p *toyPeer) { go toyWriteLoop(h, p) }, `goroutine * harness.toyWriteLoop`, ""},
	{"stack object", func(h *toyHub, p *toyPeer) { go toyReadLoop(h, p) }, `goroutine * harness.toyReadLoop`, ""},
	{"deferred", func(h *toyHub, p *toyPeer) { go toyDeferLoop(h, p) }, `goroutine * harness.toyDeferLoop -> func harness.toyDeferLoop.deferwrap1`, ""},
	{"finalizer cycle", func(_ *toyHub, p *toyPeer) {
		q := &toyPeer{next: p}
		p.next = q
		runtime.SetFinalizer(q, (*toyPeer).expire)
	}, `finalizer of *harness.toyPeer.next`, ""},
	{"finalizer of its own", func(_ *toyHub, p *toyPeer) {
		p.next = &toyPeer{next: p}
		runtime.SetFinalizer(p, (*toyPeer).expire)
	}, `finalizer of *harness.toyPeer`, ""},
	{"cleanup", func(h *toyHub, p *toyPeer) {
		h.cleaned = &toyEntry{}
		runtime.AddCleanup(h.cleaned, func(e toyEntry) { e.peer.expire() }, toyEntry{1, p})
	}, `argument of a cleanup`, ""},
}

type toyKey struct{}

//go:noinline
func toyWriteLoop(h *toyHub, p *toyPeer) {
	<-h.ctx.Done()
	p.expire()
}

//go:noinline
func toyReadLoop(h *toyHub, p *toyPeer) {
	var state struct {
		peer *toyPeer
		n    [8]int
	}
	state.peer = p
	toyRead(h, &state.n)
	state.peer.expire()
}

//go:noinline
func toyRead(h *toyHub, n *[8]int) {
	<-h.ctx.Done()
	n[1]++
}

//go:noinline
func toyDeferLoop(h *toyHub, p *toyPeer) {
	for range 2 {
		defer p.expire()
	}
	p = nil
	<-h.ctx.Done()
}

// newToyHub returns a hub with nobody in it but what makes its maps large.
func newToyHub() *toyHub {
	h := &toyHub{rooms: map[string]*toyRoom{}, byID: map[[4]byte]*toyPeer{}, bySession: map[*toyPeer]struct{}{},
		byValue: map[int]toyEntry{}, inbox: make(chan *toyPeer, 4)}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	for i := range 100 {
		h.rooms[fmt.Sprintf("n-%d", i)] = &toyRoom{members: map[string]*toyPeer{}}
		h.byValue[i] = toyEntry{}
	}
	for i := range 100 {
		h.rooms["n-42"].members[fmt.Sprint(i)] = nil
	}
	return h
}

// plantAll keeps one peer in each way.
//
//go:noinline
func (h *toyHub) plantAll() []Object {
	objects := make([]Object, len(toyPlants))
	for i, plant := range toyPlants {
		p := &toyPeer{name: plant.name}
		plant.put(h, p)
		o, err := ObjectOf(p)
		if err != nil {
			panic(err)
		}
		objects[i] = o
	}
	return objects
}
