// Package room is small and has at least one place for each kind of mutant.
package room

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ID names a guest.
type ID string

type guest struct {
	id   ID
	conn io.Closer
	next *guest
	room *Room
	end  context.CancelFunc
}

// Room has guests that come and go.
type Room struct {
	mu      sync.Mutex
	guests  map[ID]*guest
	order   []*guest
	first   *guest
	present int
	bytes   atomic.Int64
	lent    sync.WaitGroup
	parent  context.Context
	buffers sync.Pool
	last    ID
}

// New returns an empty room, which ends with ctx.
func New(ctx context.Context) *Room {
	r := &Room{guests: map[ID]*guest{}, parent: ctx}
	r.buffers.New = func() any { return new([64]byte) }
	return r
}

// Enter lets a guest in.
func (r *Room) Enter(id ID, conn io.Closer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx, end := context.WithCancel(r.parent)
	g := &guest{id: id, conn: conn, room: r, next: r.first, end: end}
	context.AfterFunc(ctx, func() { r.lent.Done() })
	r.lent.Add(1)
	r.guests[id], r.first = g, g
	r.order = append(r.order, g)
	r.present++
	r.bytes.Add(int64(len(id)))
	r.last = id
}

// Leave sees a guest out.
func (r *Room) Leave(id ID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.guests[id]
	if g == nil {
		return errors.New("no such guest")
	}
	delete(r.guests, id)
	r.removeLocked(g)
	if r.present--; r.present == 0 {
		clear(r.order[:cap(r.order)])
		r.order = r.order[:0]
	}
	r.bytes.Add(-int64(len(id)))
	g.end()
	return g.conn.Close()
}

func (r *Room) removeLocked(g *guest) {
	if r.last == g.id {
		r.last = ""
	}
	r.order = slices.DeleteFunc(r.order, func(o *guest) bool { return o == g })
	for at := &r.first; *at != nil; at = &(*at).next {
		if *at == g {
			*at = g.next
			break
		}
	}
	for o := r.first; o != nil; o = o.next {
		if o.next == g {
			o.next = g.next
		}
	}
	g.room, g.next = nil, nil
}

// Say hands a buffer from the pool to f.
func (r *Room) Say(f func([]byte)) {
	b := r.buffers.Get().(*[64]byte)
	defer r.buffers.Put(b)
	f(b[:])
}

// Borrow is Say with a return in the middle.
func (r *Room) Borrow() bool {
	b := r.buffers.Get().(*[64]byte)
	r.buffers.Put(b)
	return true
}

// Wait reports whether the room became empty in time.
func (r *Room) Wait(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	empty := make(chan struct{})
	go func() {
		r.lent.Wait()
		close(empty)
	}()
	select {
	case <-empty:
		return timer.Stop()
	case <-timer.C:
	}
	return false
}

// ServeHTTP says hello.
func (r *Room) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.Method {
	case http.MethodGet:
		io.WriteString(w, "hello")
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (r *Room) len() int { r.mu.Lock(); defer r.mu.Unlock(); return len(r.guests) }
