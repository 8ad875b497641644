package hub

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/admission"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Hub is a signaling hub. It is an http.Handler that serves WebSocket upgrades.
// New makes one, Shutdown or Close ends it. All methods may be called concurrently.
type Hub struct {
	// Fixed after construction.
	cfg      fixed
	upgrader websocket.Upgrader
	started  time.Time

	current atomic.Pointer[policy] // see Reconfigure

	gate      gate
	ctx       context.Context // ends when Shutdown begins
	cancel    context.CancelFunc
	ended     context.Context // ends when Shutdown has ended and endErr is set
	setEnded  context.CancelFunc
	endErr    error // written before ended
	counters  counters
	queued    gauge        // memory of all queues, without notices
	announced atomic.Int64 // memory of notices that members hold
	loose     atomic.Int64 // memory of notices that only queues hold
	stalled   holders      // see relieve
	reading   gauge        // memory of messages being read
	receiving holders      // see relieveReading
	sockets   atomic.Int64 // len(sessions), for code that does not hold mu
	reports   reports
	ends      *endings
	history   *history
	addresses *admission.Limiter
	subjects  admission.Tally // by whose token sessions carry
	parking   parking
	leaks     leaks
	memory    monitor

	mu            sync.Mutex
	sessions      map[*session]struct{}      // every connection, registered or not
	peers         map[wire.PeerID]*session   // registered sessions
	networks      map[string]*network        // networks with a member
	hubs          map[wire.PeerID]*session   // peers that announced as hubs
	subscriptions map[*Subscription]struct{} // see Subscribe
	memberships   int                        // sum of network.live
	largest       int                        // most members a network has had
	admitted      int                        // sessions that count against MaxConnections
	refused       int                        // sessions that are being refused
	probing       int                        // sessions that wait for a sign of life of their id's holder
	crowd         crowd                      // of sessions, see returnMemory
	closing       bool                       // Shutdown has closed every connection; no more are tracked
	released      bool                       // Shutdown has released everything

	times *times // fixed; here so that the fields that each relay uses share as few cache lines as before
}

// New makes a hub and starts its memory monitor, one goroutine that Shutdown ends,
// unless Config.Memory switches it off. The error names every invalid field of cfg.
func New(cfg Config) (*Hub, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("hub: config: %w", err)
	}
	h := &Hub{
		cfg:           fixedOf(cfg),
		started:       time.Now(),
		times:         new(times),
		ends:          new(endings),
		history:       new(history),
		sessions:      make(map[*session]struct{}),
		peers:         make(map[wire.PeerID]*session),
		networks:      make(map[string]*network),
		hubs:          make(map[wire.PeerID]*session),
		subscriptions: make(map[*Subscription]struct{}),
	}
	h.current.Store(newPolicy(cfg))
	h.addresses = admission.New(addressLimits(cfg))
	h.upgrader = websocket.Upgrader{
		ReadBufferSize:  128,                                      // the transport has a larger one while there are bytes to read
		WriteBufferPool: &sync.Pool{},                             // unused, but keeps gorilla from making a buffer for each session
		CheckOrigin:     func(*http.Request) bool { return true }, // screen has checked it
	}
	h.parking.hub = h
	h.gate.init()
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.ended, h.setEnded = context.WithCancel(context.Background())
	h.startMonitor()
	return h, nil
}

// Listening emits EventStarted with the address at which the hub can be reached.
// A server calls it once its listener is open.
func (h *Hub) Listening(addr net.Addr) {
	host, port, _ := net.SplitHostPort(addr.String())
	n, _ := strconv.Atoi(port)
	h.emit(Event{Name: EventStarted, Host: host, Port: n})
}

// Fail emits EventError for an error that ends the hub. The caller then calls
// Shutdown.
func (h *Hub) Fail(err error) { h.emit(Event{Name: EventError, Err: err}) }

// gate counts the goroutines, handshakes and parked sessions of a hub. After close it
// refuses new ones; the context idle ends when the last one has left.
type gate struct {
	mu     sync.Mutex
	n      int
	closed bool
	idle   context.Context
	done   context.CancelFunc
}

func (g *gate) init() { g.idle, g.done = context.WithCancel(context.Background()) }

// enter counts one more, which must leave, or reports false after close.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.n++
	return true
}

// hold counts one more for a goroutine that is counted itself.
func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n++
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n--; g.n == 0 && g.closed {
		g.done()
	}
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.n
}

// close refuses new ones from now on. It reports whether it was the first call.
func (g *gate) close() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := !g.closed
	if g.closed = true; g.n == 0 {
		g.done()
	}
	return first
}

// clock returns the time since the hub was made. It is monotonic: setting the machine's
// clock does not change it. Every interval is measured with it, or between two times
// of time.Now, which carry the same clock.
func (h *Hub) clock() time.Duration { return time.Since(h.started) }

// now returns a timestamp of the protocol: Unix milliseconds. The machine's clock can
// be set, so it measures no interval.
func now() int64 { return time.Now().UnixMilli() }
