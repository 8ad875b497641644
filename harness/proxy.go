package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// Proxy is a bad network between peers and a target, and a Target itself: peers
// that are to suffer connect to it instead. It forwards bytes and knows nothing of
// WebSocket or TLS. Faults apply to all its connections, those there are and those
// to come, and can be set and taken back at any time; peers that are to fare
// differently get a proxy each.
//
//	Freeze     a black hole: nothing arrives any more, not even the end
//	Latency    every byte comes later
//	Bandwidth  a trickle
//	CutAfter   the connection breaks within a message
//	Cut        all connections break now
//	HalfClose  one side hears that the other will say no more
//	Refuse     nobody gets in
//
// It is ours, and not one of the proxies there are for TCP (toxiproxy), because
// those need sockets: with NewPipeProxy everything is in memory and waits on
// channels and timers alone, so that a testing/synctest bubble can fake the time
// in which a hub gives up on a frozen peer.
//
// What a side has sent and the other has not received yet is held, in order, up
// to some 1 MiB for each direction; then that side's writes block, as they do when
// a real peer stops to acknowledge. The methods may be called concurrently.
type Proxy struct {
	target   Target
	address  string       // of the target
	listener net.Listener // nil when Dial makes pipes
	url      string
	stop     sync.Once
	err      error // of Stop
	running  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	links   map[*link]struct{}
	faults  faults
	changed context.Context // ends when the faults change; then there is a new one
	notify  context.CancelFunc
}

// faults are the ones that last.
type faults struct {
	frozen, refusing bool
	latency          time.Duration
	bandwidth        int64    // bytes a second; 0 unlimited
	cutting          [2]bool  // by direction
	cutAfter         [2]int64 // bytes, where cutting
}

// Direction is one of the two ways through a Proxy.
type Direction int

// The directions.
const (
	ToTarget Direction = iota
	ToPeer
)

func (d Direction) other() Direction { return 1 - d }

// ErrNoHalfClose is the error of HalfClose for connections that only close whole,
// as pipes do.
var ErrNoHalfClose = errors.New("proxy: the connection has no half to close")

// NewProxy returns a proxy that listens on a port of the loopback interface. The
// target's certificate, if it has one, must hold for that address too.
func NewProxy(target Target) (*Proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("harness: proxy: %w", err)
	}
	p, u, err := newProxy(target)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	u.Host = ln.Addr().String()
	p.listener, p.url = ln, u.String()
	p.running.Go(p.accept)
	return p, nil
}

// NewPipeProxy returns a proxy whose Dial makes a pipe in memory: nothing listens,
// and URL is the target's. In a testing/synctest bubble the target must be one of
// pipes, too.
func NewPipeProxy(target Target) (*Proxy, error) {
	p, u, err := newProxy(target)
	if err != nil {
		return nil, err
	}
	p.url = u.String()
	return p, nil
}

func newProxy(target Target) (*Proxy, *url.URL, error) {
	u, err := url.Parse(target.URL())
	if err != nil {
		return nil, nil, fmt.Errorf("harness: proxy: %w", err)
	}
	port := "80"
	if u.Scheme == "wss" || u.Scheme == "https" {
		port = "443"
	}
	p := &Proxy{
		target: target, address: net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)), links: map[*link]struct{}{},
	}
	p.changed, p.notify = context.WithCancel(context.Background())
	return p, u, nil
}

// URL implements Target.
func (p *Proxy) URL() string { return p.url }

// Dial implements Target: it connects to the proxy, whatever the address. While
// the proxy refuses, over TCP the connection is reset once it is there; a pipe is
// not made.
func (p *Proxy) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if p.listener != nil {
		return new(net.Dialer).DialContext(ctx, "tcp", p.listener.Addr().String())
	}
	here, there := net.Pipe()
	if p.start(there) {
		return here, nil
	}
	return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: pipesAddr{}, Err: syscall.ECONNREFUSED}
}

// Stop implements Target: it stops the target, whose peers hear of it through the
// proxy, and then closes the proxy. Further calls return the result of the first.
func (p *Proxy) Stop(ctx context.Context) error {
	p.stop.Do(func() { p.err = errors.Join(p.target.Stop(ctx), p.Close()) })
	return p.err
}

// Close breaks all connections and waits until nothing of the proxy is left: no
// goroutine, no descriptor. The target goes on. It is idempotent.
func (p *Proxy) Close() error {
	p.change(func(*faults) {
		p.closed = true
		for l := range p.links {
			l.cut()
		}
	})
	var err error
	if p.listener != nil {
		if err = p.listener.Close(); errors.Is(err, net.ErrClosed) {
			err = nil
		}
	}
	p.running.Wait()
	return err
}

// Conns returns how many connections go through the proxy: those of which both
// ends have ended do not count.
func (p *Proxy) Conns() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.links)
}

// accept takes in connections until the listener is closed.
func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			if ne := net.Error(nil); !errors.As(err, &ne) || errors.Is(err, net.ErrClosed) {
				return
			}
			pause(context.Background(), settleLongest) // out of descriptors
			continue
		}
		p.start(conn)
	}
}

// start has a peer's connection forwarded, or resets it.
func (p *Proxy) start(near net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.faults.refusing {
		reset(near)
		return false
	}
	l := newLink(p, near)
	p.links[l] = struct{}{}
	p.running.Go(l.run)
	return true
}

// change changes the faults and wakes whoever acts by the old ones.
func (p *Proxy) change(f func(*faults)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.faults)
	p.notify()
	p.changed, p.notify = context.WithCancel(context.Background())
}

// Freeze makes a black hole of the proxy: it closes nothing and forwards nothing,
// neither bytes nor the end of a connection; a peer that connects is taken in and
// the target hears nothing of it. What is sent is held, and arrives when
// Freeze(false) or Heal ends it.
func (p *Proxy) Freeze(on bool) { p.change(func(f *faults) { f.frozen = on }) }

// Refuse has new connections reset. Those there are stay.
func (p *Proxy) Refuse(on bool) { p.change(func(f *faults) { f.refusing = on }) }

// Latency has every byte arrive so much later, in each direction; what is on its
// way as well. 0 ends it.
func (p *Proxy) Latency(d time.Duration) { p.change(func(f *faults) { f.latency = d }) }

// Bandwidth bounds the bytes a second of each direction of each connection: 1 is
// one byte each second, more come in portions of a fiftieth of a second. 0 ends
// it.
func (p *Proxy) Bandwidth(bytes int64) { p.change(func(f *faults) { f.bandwidth = max(0, bytes) }) }

// CutAfter breaks each connection as soon as n bytes have gone through it in a
// direction, counted from now or from its beginning if that is later. 0 lets the
// first byte break it; a negative n ends the fault.
func (p *Proxy) CutAfter(d Direction, n int64) {
	p.change(func(f *faults) {
		f.cutting[d], f.cutAfter[d] = n >= 0, n
		for l := range p.links {
			l.flows[d].mark = l.flows[d].sent
		}
	})
}

// Cut breaks all connections there are, for both sides: over TCP by RST, so that
// what is on its way may be lost; pipes are closed. Heal does not bring them back.
func (p *Proxy) Cut() {
	p.change(func(*faults) {
		for l := range p.links {
			l.cut()
		}
	})
}

// HalfClose ends one direction of all connections there are: who receives in it
// gets a FIN, and what is held or sent in it later is lost; the other direction
// goes on. Heal does not undo it. The error is ErrNoHalfClose, for pipes.
func (p *Proxy) HalfClose(d Direction) error {
	var errs []error
	p.change(func(*faults) {
		for l := range p.links {
			errs = append(errs, l.halfClose(d))
		}
	})
	return errors.Join(errs...)
}

// Heal ends every fault that lasts.
func (p *Proxy) Heal() { p.change(func(f *faults) { *f = faults{} }) }
