package hub

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Hub is a signaling hub: an http.Handler for the WebSocket side. Make one with
// New and end it with Shutdown. All methods may be called concurrently.
type Hub struct {
	// Fixed after construction.
	cfg      Config
	upgrader websocket.Upgrader
	auth     auth
	started  time.Time

	gate         gate
	ctx          context.Context // ends when Shutdown begins
	cancel       context.CancelFunc
	ended        context.Context // ends when Shutdown has ended, with endErr
	setEnded     context.CancelFunc
	endErr       error // written before ended
	counters     counters
	queued       atomic.Int64 // bytes waiting in the queues of sessions that are not ending
	queuedEnding atomic.Int64 // bytes waiting in the queues of those that are
	reading      atomic.Int64 // bytes of large messages under way
	sockets      atomic.Int64 // len(sessions), for readers without mu
	memory       monitor

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
	probing       int                        // sessions that wait for the holder of their id
	peak          int                        // most sessions since the maps were last made
	atSample      int                        // sessions when the monitor last looked
	closing       bool                       // Shutdown has closed every connection; no more come
	released      bool                       // Shutdown has released everything
}

// New makes a hub. It starts one goroutine, the memory monitor, unless
// Config.Memory switches it off; Shutdown ends it. The error names every field
// of cfg that holds what it must not.
func New(cfg Config) (*Hub, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("hub: config: %w", err)
	}
	h := &Hub{
		cfg:           cfg,
		auth:          newAuth(cfg),
		started:       time.Now(),
		sessions:      make(map[*session]struct{}),
		peers:         make(map[wire.PeerID]*session),
		networks:      make(map[string]*network),
		hubs:          make(map[wire.PeerID]*session),
		subscriptions: make(map[*Subscription]struct{}),
	}
	h.upgrader = websocket.Upgrader{
		HandshakeTimeout: cfg.WriteTimeout,
		ReadBufferSize:   128,             // the transport holds the large one, while there is something in it
		WriteBufferPool:  &sync.Pool{},    // never used: sessions write their own frames
		CheckOrigin:      h.auth.originOK, // screened before, so that the refusal is counted
	}
	h.gate.init()
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.ended, h.setEnded = context.WithCancel(context.Background())
	h.startMonitor()
	return h, nil
}

// Listening tells subscribers where the hub can be reached (the event
// "started"). A server calls it once its listener is open.
func (h *Hub) Listening(addr net.Addr) {
	host, port, _ := net.SplitHostPort(addr.String())
	n, _ := strconv.Atoi(port)
	h.emit(Event{Name: EventStarted, Host: host, Port: n})
}

// Fail tells subscribers of an error that ends the hub (the event "error"). The
// caller then calls Shutdown.
func (h *Hub) Fail(err error) { h.emit(Event{Name: EventError, Err: err}) }

// gate counts the goroutines and handshakes of a hub. After close it lets no
// more in; idle ends when the last has left.
type gate struct {
	mu     sync.Mutex
	n      int
	closed bool
	idle   context.Context
	done   context.CancelFunc
}

func (g *gate) init() { g.idle, g.done = context.WithCancel(context.Background()) }

// enter lets the caller in, who must leave again, or refuses.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.n++
	return true
}

// hold counts one more for a caller who is in.
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

// close lets no more in. It reports whether it was the first call.
func (g *gate) close() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := !g.closed
	if g.closed = true; g.n == 0 {
		g.done()
	}
	return first
}

// now returns the protocol's timestamp.
func now() int64 { return time.Now().UnixMilli() }
