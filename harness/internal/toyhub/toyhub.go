// Package toyhub is a hub that retains peers in all ways of Go.
//
//	h := toyhub.New()
//	defer h.Close()
//	h.PlantAll(func(p *toyhub.Peer) { objects = append(objects, objectOf(p)) })
//
// Plants lists the ways with their paths.
package toyhub

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Hub holds peers in its fields.
type Hub struct {
	Rooms     map[string]*Room
	byID      map[[4]byte]*Peer
	bySession map[*Peer]struct{}
	byValue   map[int]Entry
	list      []*Peer
	queue     []*Peer
	cleaned   *Entry
	entries   []Entry
	listeners []func()
	logger    fmt.Stringer
	last      any
	inbox     chan *Peer
	chain     *Peer
	ctx       context.Context
	cancel    context.CancelFunc
	idle      *time.Timer
	all       sync.Map
	current   atomicEntry
}

type atomicEntry struct{ entry [2]Entry }

// Room has members.
type Room struct {
	Members map[string]*Peer
	Order   []*Peer
}

// Entry refers to a peer.
type Entry struct {
	at   int64
	peer *Peer
}

// Peer is an object to find. It has a pointer, as a session does.
type Peer struct {
	Name string
	Next *Peer
	buf  [64]byte
}

func (p *Peer) String() string { return p.Name }

func (p *Peer) Expire() { p.buf[0]++ }

// Sweep is large enough that its callers do not contain it.
//
//go:noinline
func (r *Room) Sweep() { clear(r.Order) }

// Package variables that retain peers.
var (
	registry = map[string]*Peer{}
	Last     *Peer
	State    struct {
		sync.Mutex
		peers []Entry
	}
)

// Plant keeps a peer in one way.
type Plant struct {
	Name string
	Put  func(*Hub, *Peer)
	Want string // the path in a binary with DWARF
	Dark string // the path without DWARF, if it differs; a * stands for a name that only symbols have
}

// Plants lists all ways.
var Plants = []Plant{
	{"map in map", func(h *Hub, p *Peer) { h.Rooms["n-1"].Members["alice"] = p }, `toyhub.Hub.Rooms[*] -> *toyhub.Room.Members[*]`, ""},
	{"large map", func(h *Hub, p *Peer) { h.Rooms["n-42"].Members["bob"] = p }, `toyhub.Hub.Rooms[*] -> *toyhub.Room.Members[*]`, ""},
	{"array key", func(h *Hub, p *Peer) { h.byID[[4]byte{0xca, 0xfe}] = p }, `toyhub.Hub.byID[*]`, ""},
	{"map key", func(h *Hub, p *Peer) { h.bySession[p] = struct{}{} }, `toyhub.Hub.bySession[*]`, ""},
	{"struct in map", func(h *Hub, p *Peer) { h.byValue[-7] = Entry{1, p} }, `toyhub.Hub.byValue[*].peer`, ""},
	{"slice", func(h *Hub, p *Peer) { h.Rooms["n-1"].Order = append(h.Rooms["n-1"].Order, nil, nil, p) }, `toyhub.Hub.Rooms[*] -> *toyhub.Room.Order[*]`, ""},
	{"slice tail", func(h *Hub, p *Peer) { h.list = append(h.list, &Peer{}, p); h.list = h.list[:1] }, `toyhub.Hub.list[*]`, ""},
	{"queue", func(h *Hub, p *Peer) { h.queue = append(make([]*Peer, 0, 8), nil, p, nil, nil)[3:] }, `toyhub.Hub.queue[*]`, ""},
	{"struct in slice", func(h *Hub, p *Peer) { h.entries = append(make([]Entry, 3), Entry{1, p})[2:] }, `toyhub.Hub.entries[*].peer`, ""},
	{"closure", func(h *Hub, p *Peer) { h.listeners = append(h.listeners, func() { p.Expire() }) },
		`toyhub.Hub.listeners[*] -> func toyhub.init.func*.p`, `toyhub.Hub.listeners[*] -> func toyhub.init.func*`},
	{"method value", func(h *Hub, p *Peer) { h.listeners = append(h.listeners, p.Expire) },
		`toyhub.Hub.listeners[*] -> func toyhub.(*Peer).Expire-fm`, ""},
	{"method value of a holder", func(h *Hub, p *Peer) { h.listeners = append(h.listeners, (&Room{Order: []*Peer{p}}).Sweep) },
		`toyhub.Hub.listeners[*] -> func toyhub.(*Room).Sweep-fm -> *toyhub.Room.Order[*]`, `toyhub.Hub.listeners[*] -> func toyhub.(*Room).Sweep-fm -> object -> object`},
	{"interface", func(h *Hub, p *Peer) { h.logger = p }, `toyhub.Hub.logger.(*toyhub.Peer)`, ""},
	{"empty interface", func(h *Hub, p *Peer) { h.last = Entry{1, p} }, `toyhub.Hub.last.(toyhub.Entry) -> *toyhub.Entry.peer`, ""},
	{"channel", func(h *Hub, p *Peer) { h.inbox <- nil; h.inbox <- p }, `toyhub.Hub.inbox[*]`, ""},
	{"list", func(h *Hub, p *Peer) { h.chain = &Peer{Next: &Peer{Next: p}} }, `toyhub.Hub.chain -> *toyhub.Peer.Next (repeated)`, ""},
	{"array in struct", func(h *Hub, p *Peer) { h.current.entry[1].peer = p }, `toyhub.Hub.current.entry[*].peer`, ""},
	{"sync.Map", func(h *Hub, p *Peer) {
		for i := range 100 {
			h.all.Store(fmt.Sprint(i), i)
		}
		h.all.Store("carol", p)
	}, `toyhub.Hub.all[*].(*toyhub.Peer)`, ""},
	{"context child", func(h *Hub, p *Peer) {
		ctx, cancel := context.WithCancel(context.WithValue(h.ctx, key{}, p))
		_, _ = ctx, cancel
	}, `toyhub.Hub.ctx.(*context.cancelCtx) -> *context.cancelCtx.children[*].(*context.cancelCtx) -> *context.cancelCtx.Context.(*context.valueCtx) -> *context.valueCtx.val.(*toyhub.Peer)`, ""},
	{"context.AfterFunc", func(h *Hub, p *Peer) { context.AfterFunc(h.ctx, p.Expire) },
		`toyhub.Hub.ctx.(*context.cancelCtx) -> *context.cancelCtx.children[*].(*context.afterFuncCtx) -> *context.afterFuncCtx.f -> func toyhub.(*Peer).Expire-fm`, ""},
	{"time.AfterFunc", func(_ *Hub, p *Peer) { time.AfterFunc(time.Hour, func() { p.Expire() }) },
		`runtime timers[*] -> *runtime.timer.arg.(func()) -> func toyhub.init.func*.p`, `runtime timers[*] -> *runtime.timer.arg.(func()) -> func toyhub.init.func*`},
	{"held timer", func(h *Hub, p *Peer) { h.idle = time.AfterFunc(time.Hour, p.Expire) },
		`toyhub.Hub.idle -> *time.Timer.arg.(func()) -> func toyhub.(*Peer).Expire-fm`, ""},
	{"variable map", func(_ *Hub, p *Peer) { registry["dave"] = p }, `var toyhub.registry[*]`, `* -> object -> object`},
	{"variable", func(_ *Hub, p *Peer) { Last = p }, `var toyhub.Last`, `*`},
	{"variable struct", func(_ *Hub, p *Peer) { State.peers = append(State.peers, Entry{1, p}) },
		`var toyhub.State.peers[*].peer`, `* -> object`},
	{"goroutine", func(h *Hub, p *Peer) { go writeLoop(h, p) }, `goroutine * toyhub.writeLoop`, ""},
	{"stack object", func(h *Hub, p *Peer) { go readLoop(h, p) }, `goroutine * toyhub.readLoop`, ""},
	{"deferred", func(h *Hub, p *Peer) { go deferLoop(h, p) }, `goroutine * toyhub.deferLoop -> func toyhub.deferLoop.deferwrap1`, ""},
	{"finalizer cycle", func(_ *Hub, p *Peer) {
		q := &Peer{Next: p}
		p.Next = q
		runtime.SetFinalizer(q, (*Peer).Expire)
	}, `finalizer of *toyhub.Peer.Next`, ""},
	{"finalizer of its own", func(_ *Hub, p *Peer) {
		p.Next = &Peer{Next: p}
		runtime.SetFinalizer(p, (*Peer).Expire)
	}, `finalizer of *toyhub.Peer`, ""},
	{"cleanup", func(h *Hub, p *Peer) {
		h.cleaned = &Entry{}
		runtime.AddCleanup(h.cleaned, func(e Entry) { e.peer.Expire() }, Entry{1, p})
	}, `argument of a cleanup`, ""},
}

type key struct{}

//go:noinline
func writeLoop(h *Hub, p *Peer) {
	<-h.ctx.Done()
	p.Expire()
}

//go:noinline
func readLoop(h *Hub, p *Peer) {
	var state struct {
		peer *Peer
		n    [8]int
	}
	state.peer = p
	read(h, &state.n)
	state.peer.Expire()
}

//go:noinline
func read(h *Hub, n *[8]int) {
	<-h.ctx.Done()
	n[1]++
}

//go:noinline
func deferLoop(h *Hub, p *Peer) {
	for range 2 {
		defer p.Expire()
	}
	p = nil
	<-h.ctx.Done()
}

// New returns a hub without peers, whose large maps have grown.
func New() *Hub {
	h := &Hub{Rooms: map[string]*Room{}, byID: map[[4]byte]*Peer{}, bySession: map[*Peer]struct{}{},
		byValue: map[int]Entry{}, inbox: make(chan *Peer, 4)}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	for i := range 100 {
		h.Rooms[fmt.Sprintf("n-%d", i)] = &Room{Members: map[string]*Peer{}}
		h.byValue[i] = Entry{}
	}
	for i := range 100 {
		h.Rooms["n-42"].Members[fmt.Sprint(i)] = nil
	}
	return h
}

// Context returns the context of the hub, which ends with Close.
func (h *Hub) Context() context.Context { return h.ctx }

// Close ends the goroutines of the hub.
func (h *Hub) Close() { h.cancel() }

// PlantAll keeps one peer in each way, and calls planted with each.
//
//go:noinline
func (h *Hub) PlantAll(planted func(*Peer)) {
	for _, plant := range Plants {
		p := &Peer{Name: plant.Name}
		plant.Put(h, p)
		planted(p)
	}
}
