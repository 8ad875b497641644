package harness

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// link is one connection through a Proxy.
type link struct {
	proxy  *Proxy
	ctx    context.Context // ends when the link is cut
	cancel context.CancelFunc
	near   net.Conn // to the peer
	flows  [2]*flow // by direction

	// Guarded by Proxy.mu.
	far net.Conn // to the target; nil before it is dialled
}

// flow is one direction of a link. One goroutine reads and one writes, with a
// queue in between, so that latency does not bound the throughput.
type flow struct {
	link  *link
	dir   Direction
	queue chan chunk

	// Guarded by Proxy.mu.
	sent  int64     // bytes, those that are being written too
	mark  int64     // of sent, when CutAfter was called
	next  time.Time // when the bandwidth allows the next byte
	shut  bool      // HalfClose has ended it: what comes is lost
	lost  bool      // nobody receives any more
	ended bool      // its end has arrived
}

// chunk is what came with one read: bytes or the end, never both.
type chunk struct {
	data []byte
	at   time.Time
	end  error
}

// A queue of so many chunks of at most that size holds 1 MiB.
const (
	queueChunks = 256
	chunkBytes  = 4 << 10
)

func newLink(p *Proxy, near net.Conn) *link {
	l := &link{proxy: p, near: near}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	for d := range l.flows {
		l.flows[d] = &flow{link: l, dir: Direction(d), queue: make(chan chunk, queueChunks)}
	}
	return l
}

// run forwards until both directions have ended or the link is cut.
func (l *link) run() {
	defer l.end()
	if !l.connect() {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { l.flows[ToTarget].read(l.near) })
	wg.Go(func() { l.flows[ToTarget].write(l.far) })
	wg.Go(func() { l.flows[ToPeer].read(l.far) })
	wg.Go(func() { l.flows[ToPeer].write(l.near) })
	wg.Wait()
}

// connect dials the target, which in a black hole does not hear of it yet.
func (l *link) connect() bool {
	for {
		l.proxy.mu.Lock()
		frozen, changed := l.proxy.faults.frozen, l.proxy.changed
		l.proxy.mu.Unlock()
		if !frozen {
			break
		}
		if !l.wait(changed, 0) {
			return false
		}
	}
	far, err := l.proxy.target.Dial(l.ctx, "tcp", l.proxy.address)
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	switch {
	case err != nil:
		l.cut()
	case l.ctx.Err() != nil:
		reset(far)
	default:
		l.far = far
	}
	return l.far != nil
}

// end closes what is left of the link.
func (l *link) end() {
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	l.cancel()
	l.near.Close()
	if l.far != nil {
		l.far.Close()
	}
	delete(l.proxy.links, l)
}

// cut breaks both sides. Proxy.mu is held.
func (l *link) cut() {
	l.cancel()
	reset(l.near)
	if l.far != nil {
		reset(l.far)
	}
}

// reset closes a connection, over TCP by RST.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0) // fails on one that is closed already
	}
	c.Close()
}

// halfClose ends one direction for its receiver. Proxy.mu is held.
func (l *link) halfClose(d Direction) error {
	to := l.near
	if d == ToTarget {
		to = l.far
	}
	if to == nil { // not dialled: there is nobody to tell yet
		return nil
	}
	half, ok := to.(interface{ CloseWrite() error })
	if !ok {
		return ErrNoHalfClose
	}
	l.flows[d].shut = true
	if err := half.CloseWrite(); err != nil && !errors.Is(err, net.ErrClosed) {
		l.cut() // the other side is gone already
	}
	return nil
}

// wait returns true when the faults have changed or d has passed (0: never), false
// when the link has ended.
func (l *link) wait(changed context.Context, d time.Duration) bool {
	var passed <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		passed = t.C
	}
	select {
	case <-l.ctx.Done():
		return false
	case <-changed.Done():
	case <-passed:
	}
	return true
}

// read queues what comes until the end, which it queues as well.
func (f *flow) read(from net.Conn) {
	for {
		c := chunk{data: make([]byte, chunkBytes)}
		n, err := from.Read(c.data)
		if c.data, c.at = c.data[:n:n], time.Now(); n > 0 && !f.put(c) {
			return
		}
		if err != nil {
			f.put(chunk{at: c.at, end: err})
			return
		}
	}
}

func (f *flow) put(c chunk) bool {
	select {
	case f.queue <- c:
		return true
	case <-f.link.ctx.Done():
		return false
	}
}

// write writes what is queued, when and as far as the faults let it.
func (f *flow) write(to net.Conn) {
	for {
		select {
		case <-f.link.ctx.Done():
			return
		case c := <-f.queue:
			if c.end != nil {
				f.finish(c)
				return
			}
			for len(c.data) > 0 {
				n, ok := f.step(to, c)
				if !ok {
					return
				}
				c.data = c.data[n:]
			}
		}
	}
}

// step writes some of a chunk, or waits. It reports false when the link has ended.
func (f *flow) step(to net.Conn, c chunk) (n int, ok bool) {
	n, wait, changed := f.allow(c)
	switch {
	case n < 0: // nobody is there to receive it
		return len(c.data), true
	case n == 0:
		return 0, f.link.wait(changed, wait)
	}
	_, err := to.Write(c.data[:n])
	f.wrote(n, err)
	return n, f.link.ctx.Err() == nil
}

// allow returns how many bytes of a chunk may go now, -1 if they are lost; if none,
// how long to wait and what would change that.
func (f *flow) allow(c chunk) (n int, wait time.Duration, changed context.Context) {
	p := f.link.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	now, rules := time.Now(), &p.faults
	due := c.at.Add(rules.latency)
	if rules.bandwidth > 0 && len(c.data) > 0 && f.next.After(due) {
		due = f.next
	}
	switch {
	case f.shut || f.lost:
		return -1, 0, nil
	case rules.frozen:
		return 0, 0, p.changed
	case now.Before(due):
		return 0, due.Sub(now), p.changed
	}
	n = len(c.data)
	if rules.bandwidth > 0 {
		n = min(n, int(max(1, rules.bandwidth/50)))
	}
	if rules.cutting[f.dir] {
		n = int(min(int64(n), max(1, rules.cutAfter[f.dir]-(f.sent-f.mark))))
	}
	f.sent += int64(n) // before they arrive: who has received them may call CutAfter
	return n, 0, nil
}

// wrote notes that so many bytes were written, and cuts the link if that was enough
// or if its sender has ended and nobody receives the answer.
func (f *flow) wrote(n int, err error) {
	p := f.link.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	f.next = time.Time{}
	if b := p.faults.bandwidth; b > 0 {
		f.next = time.Now().Add(time.Duration(n) * time.Second / time.Duration(b))
	}
	f.lost = f.lost || err != nil
	enough := p.faults.cutting[f.dir] && f.sent-f.mark >= p.faults.cutAfter[f.dir]
	if enough || f.lost && f.link.flows[f.dir.other()].ended {
		f.link.cut()
	}
}

// finish passes the end of a side on to the other, after what it sent: a FIN as a
// FIN, anything else, and the end of a pipe, as a break.
func (f *flow) finish(c chunk) {
	for {
		n, wait, changed := f.allow(chunk{at: c.at})
		if n == 0 && changed != nil {
			if !f.link.wait(changed, wait) {
				return
			}
			continue
		}
		break
	}
	p := f.link.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	f.ended = true
	if c.end != io.EOF || f.link.flows[f.dir.other()].lost || !f.shut && f.link.halfClose(f.dir) != nil {
		f.link.cut()
	}
}
