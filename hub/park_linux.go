//go:build !nopark

package hub

import (
	"container/heap"
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// parks reports whether the hub can park sessions.
const parks = true

// parking holds the sessions that have no goroutine. Their sockets are in an epoll set
// and their deadlines in a heap. One goroutine, watch, waits for both. A session is in
// all of these or in none. The mutex is locked after the one of a queue.
type parking struct {
	hub *Hub

	mu       sync.Mutex
	fd       int                 // of set
	set      *os.File            // the epoll set, which the runtime polls: watch blocks no thread. Nil before open
	sessions map[uint64]*session // by token
	order    dueOrder
	token    uint64        // the last one given
	armed    time.Duration // the deadline of watch on Hub.clock; 0 if it has none
	draining bool          // Shutdown has begun: no more are parked
}

// spot is where a session is parked. The token is in the epoll events: a descriptor has
// the number of one that was closed before, and an event may be older than the session.
type spot struct {
	token uint64 // 0 if the session is not parked
	due   time.Duration
	place int // in parking.order
}

// open makes the epoll set and starts watch, unless that is done. The caller is counted
// by the gate. Without a set no session is parked.
func (p *parking) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.set != nil || p.draining {
		return
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return
	}
	_ = unix.SetNonblock(fd, true) // so that NewFile lets the runtime poll it
	p.fd, p.set, p.sessions = fd, os.NewFile(uintptr(fd), "epoll"), make(map[uint64]*session)
	p.hub.gate.hold()
	go func() {
		defer p.hub.gate.leave()
		p.watch()
	}()
}

// add parks a session until its socket has bytes or the due time has come. It reports
// false if the session cannot be parked. The caller is its reader and holds s.mu.
func (p *parking) add(s *session, due time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.set == nil || p.draining {
		return false
	}
	p.token++
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: int32(p.token), Pad: int32(p.token >> 32)}
	if err := p.control(s, unix.EPOLL_CTL_ADD, &event); err != nil {
		return false // the connection is closed, or the system has no room
	}
	s.spot = spot{token: p.token, due: due}
	p.sessions[p.token] = s
	heap.Push(&p.order, s)
	p.armLocked()
	p.hub.gate.hold() // until the reader that wake starts has ended
	return true
}

// control changes what the epoll set has of a session.
func (p *parking) control(s *session, op int, event *unix.EpollEvent) (err error) {
	closed := s.conn.raw.Control(func(fd uintptr) { err = unix.EpollCtl(p.fd, op, int(fd), event) })
	return errors.Join(closed, err)
}

// reschedule changes the due time of a parked session. It reports false if the session
// is not parked.
func (p *parking) reschedule(s *session, due time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.spot.token == 0 {
		return false
	}
	s.spot.due = due
	heap.Fix(&p.order, s.spot.place)
	p.armLocked()
	return true
}

// wake starts a reader for a session if it is parked.
func (p *parking) wake(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.spot.token != 0 {
		p.wakeLocked(s)
	}
}

func (p *parking) wakeLocked(s *session) {
	_ = p.control(s, unix.EPOLL_CTL_DEL, nil) // an error means that the socket is closed: it is in no set
	delete(p.sessions, s.spot.token)
	heap.Remove(&p.order, s.spot.place)
	s.spot = spot{}
	if len(p.sessions) == 0 {
		p.sessions, p.order = make(map[uint64]*session), nil
		p.closeIfDoneLocked()
	}
	go func() {
		defer p.hub.gate.leave()
		s.run()
	}()
}

// watch wakes sessions until the set is closed.
func (p *parking) watch() {
	raw, err := p.set.SyscallConn()
	var events [64]unix.EpollEvent
	for err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		n := 0
		err = raw.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), events[:], 0)
			return n > 0
		})
		p.wakeReady(events[:max(n, 0)])
	}
}

// wakeReady wakes the sessions of the events and those whose time has come.
func (p *parking) wakeReady(events []unix.EpollEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range events {
		if s := p.sessions[token(e)]; s != nil {
			p.wakeLocked(s)
		}
	}
	for now := p.hub.clock(); len(p.order) > 0 && p.order[0].spot.due <= now; {
		p.wakeLocked(p.order[0])
	}
	p.armLocked()
}

// token returns the token that an event was registered with.
func token(e unix.EpollEvent) uint64 { return uint64(uint32(e.Pad))<<32 | uint64(uint32(e.Fd)) }

// armLocked lets watch return when the first session is due.
func (p *parking) armLocked() {
	next, at := time.Duration(0), time.Time{}
	if len(p.order) > 0 {
		next = p.order[0].spot.due
		at = p.hub.started.Add(next)
	}
	if next != p.armed {
		p.armed = next
		_ = p.set.SetReadDeadline(at) // an error means that the set is closed
	}
}

// drain parks no more sessions and lets watch end when none is parked.
func (p *parking) drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = true
	p.closeIfDoneLocked()
}

func (p *parking) closeIfDoneLocked() {
	if p.draining && p.set != nil && len(p.sessions) == 0 {
		p.set.Close()
	}
}

// counts returns how many sessions are parked and how many others the gate has counted.
func (p *parking) counts() (parked, others int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sessions), p.hub.gate.count() - len(p.sessions)
}

// remake gives up spare room.
func (p *parking) remake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions, p.order = fresh(p.sessions), append(dueOrder(nil), p.order...)
}

// check compares the parked sessions with the hub's. The caller holds Hub.mu.
func (p *parking) check(c *check) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.that(len(p.order) == len(p.sessions), "%d sessions are parked, but %d have a deadline", len(p.sessions), len(p.order))
	for i, s := range p.order {
		if _, held := p.hub.sessions[s]; !held {
			c.fail("the session of %s is parked but not in sessions", s.name())
		}
		if p.sessions[s.spot.token] != s || s.spot.place != i {
			c.fail("the session of %s is not parked where it says", s.name())
		}
		if s.spot.due < p.order[0].spot.due {
			c.fail("the session of %s is due before the first", s.name())
		}
	}
	if len(p.order) > 0 {
		c.that(p.armed != 0 && p.armed <= p.order[0].spot.due, "a session is due at %v, but watch waits until %v", p.order[0].spot.due, p.armed)
	}
}

// dueOrder is a heap of sessions, the one that is due first at the top.
type dueOrder []*session

func (o dueOrder) Len() int           { return len(o) }
func (o dueOrder) Less(i, j int) bool { return o[i].spot.due < o[j].spot.due }

func (o dueOrder) Swap(i, j int) {
	o[i], o[j] = o[j], o[i]
	o[i].spot.place, o[j].spot.place = i, j
}

// Push implements heap.Interface.
func (o *dueOrder) Push(s any) {
	s.(*session).spot.place = len(*o)
	*o = append(*o, s.(*session))
}

// Pop implements heap.Interface.
func (o *dueOrder) Pop() any {
	last := len(*o) - 1
	s := (*o)[last]
	(*o)[last] = nil
	*o = (*o)[:last]
	return s
}
