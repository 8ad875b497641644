package regress_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// oddScenarios are what happens to a hub now and then: messages that mean nothing, refusals
// of every kind, memory that runs out, listeners that do not listen, and the pages beside it.
func (w *world) oddScenarios(cfg hub.Config, pages *pageServers) []harness.Scenario {
	own := func(live func(context.Context, *harness.Visit, *hubtest.Target) error, change func(*hub.Config)) func(context.Context, *harness.Visit) error {
		return w.ownHub(cfg, change, live)
	}
	same := func(*hub.Config) {}
	onTarget := func(live func(context.Context, *hubtest.Target, *harness.Visit) error) func(context.Context, *harness.Visit) error {
		return func(ctx context.Context, v *harness.Visit) error { return live(ctx, w.target, v) }
	}
	return []harness.Scenario{
		{Name: "odd", Live: onTarget(liveOdd)},
		{Name: "strict", Live: onTarget(liveStrict)},
		{Name: "addresses", Live: w.fromManyAddresses},
		{Name: "rivals", Live: rivals, Waits: true, AtOnce: 8},
		{Name: "pages", Live: pages.read, Waits: true, AtOnce: 4},
		{Name: "plots", Live: pages.plots, Waits: true, AtOnce: 4},
		{Name: "operator", Live: pages.stopUnderViewer, Waits: true, AtOnce: 2},
		{Name: "hijack", Live: own(brokenUpgrades, func(c *hub.Config) { c.AllowedOrigins = []string{"https://example.com"} })},
		{Name: "draining", Live: own(whileItDrains, same)},
		{Name: "deaf", Live: own(deafSubscriber, func(c *hub.Config) { c.AnnounceRate = -1 })},
		{Name: "shed", Live: own(shedQueue, func(c *hub.Config) { c.QueueBytesTotal, c.CloseTimeout = 64<<10, 100*time.Millisecond })},
		{Name: "half", Live: own(halfMessages, func(c *hub.Config) { c.ReadBytesTotal, c.CloseTimeout = 16<<10, 100*time.Millisecond })},
		{Name: "memory", Live: own(outOfMemory, func(c *hub.Config) { c.Memory.Limit = 1 })},
	}
}

// fromManyAddresses comes to a hub that has room for one session of each address: the second
// is refused.
func (w *world) fromManyAddresses(ctx context.Context, v *harness.Visit) error {
	local := netip.AddrFrom4([4]byte{127, 0, 1, byte(1 + (v.Cycle*50+v.Index)%250)})
	dialer := &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))}
	opts := &wire.DialOptions{NetDialContext: dialer.DialContext}
	first, err := wire.Dial(ctx, w.target.URL(), v.ID, opts)
	if err != nil {
		return err
	}
	defer first.Close()
	if _, err := first.Receive(); err != nil { // it is counted now
		return err
	}
	second, err := wire.Dial(ctx, w.target.URL(), wire.NewPeerID(), opts)
	if err == nil {
		return errors.Join(errors.New("there was room for a second session of one address"), second.Close())
	} else if !strings.Contains(err.Error(), "429") {
		return err
	}
	return errors.Join(first.SendClose(wire.CodeNormal, "done"), readToEnd(first))
}

// rivals are two newcomers that claim the id of a peer that does not answer.
func rivals(ctx context.Context, v *harness.Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	ended := make(chan error, 2)
	for i := range cap(ended) {
		p := v.Beside(fmt.Sprint("rival ", i), v.ID)
		go func() {
			err := p.Dial(ctx)
			if err == nil {
				_, err = p.Conn().Receive() // a greeting, or a close frame
				err = errors.Join(ignoreClosed(err), p.Drop())
			}
			ended <- err
		}()
	}
	return errors.Join(<-ended, <-ended)
}

// ignoreClosed returns nil for a connection that the hub has closed.
func ignoreClosed(err error) error {
	if closed := (*wire.CloseError)(nil); errors.As(err, &closed) {
		return nil
	}
	return err
}

// upgradeRequest asks a hub for a WebSocket.
func upgradeRequest(ctx context.Context, id wire.PeerID, header ...string) *http.Request {
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/?peerId="+string(id), nil)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Protocol": "one, two",
	} {
		req.Header.Set(name, value)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// brokenUpgrades are requests that are no upgrade, that cannot be hijacked, whose key is
// wrong, and whose connection is closed before the hub answers.
func brokenUpgrades(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	plain := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	for _, req := range []*http.Request{
		plain, upgradeRequest(ctx, v.ID), upgradeRequest(ctx, v.ID, "Sec-WebSocket-Key", "short"), upgradeRequest(ctx, v.ID, "Origin", "https://example.net"),
	} {
		res := httptest.NewRecorder()
		if target.Hub.ServeHTTP(res, req); res.Code == http.StatusSwitchingProtocols {
			return errors.New("a request that cannot be upgraded was")
		}
	}
	target.Hub.ServeHTTP(&lostConnection{httptest.NewRecorder()}, upgradeRequest(ctx, v.ID))
	_, err := hub.New(hub.Config{
		MaxConnections: -1, AddressRate: math.NaN(), PingInterval: -1, MeshNamespace: wire.DefaultNetwork, DrainCloseCode: 1,
		HubPeerIDs: []wire.PeerID{"none"}, Memory: hub.MemoryConfig{Interval: 1},
	})
	if err == nil {
		return errors.New("a configuration that is wrong makes a hub")
	}
	return nil
}

// look asks a hub's pages, without a network, and expects a status.
func look(ctx context.Context, target *hubtest.Target, path string, status int) error {
	res := httptest.NewRecorder()
	handler := admin.Public(target.Hub, admin.PublicConfig{Metrics: true, HideDetails: true})
	if handler.ServeHTTP(res, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)); res.Code != status {
		return fmt.Errorf("%s: status %d, want %d", path, res.Code, status)
	}
	return nil
}

// lostConnection is a response whose connection breaks when it is hijacked.
type lostConnection struct{ *httptest.ResponseRecorder }

func (l *lostConnection) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	ours, theirs := net.Pipe()
	return ours, bufio.NewReadWriter(bufio.NewReader(ours), bufio.NewWriter(ours)), theirs.Close()
}

// whileItDrains is a hub that is failed and shut down by three callers, of whom one does not
// wait, while a peer comes.
func whileItDrains(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	peers := others(target, v, 2)
	if err := peers[0].Join(ctx, v.Home); err != nil { // does not answer a close frame
		return err
	}
	defer peers[0].Drop()
	events, err := target.Hub.Subscribe(v.Name)
	if err != nil {
		return err
	}
	target.Hub.Listening(&net.TCPAddr{Port: 3000})
	target.Hub.Fail(errors.New("as an embedder has it"))
	if err := peers[1].Join(ctx, v.Home); err != nil {
		return err
	}
	if err := peers[1].Close(ctx); err != nil {
		return err
	}
	ended := make(chan error, 2)
	for range cap(ended) {
		go func() { ended <- target.Hub.Shutdown(ctx) }()
	}
	hasty, cancel := context.WithCancel(ctx)
	cancel()
	err = settle.Until(ctx, func() error {
		if err := peers[1].Dial(ctx); err == nil {
			return errors.Join(errors.New("a hub that shuts down lets peers in"), peers[1].Drop())
		}
		return nil
	})
	err = errors.Join(err, look(ctx, target, "/readyz", http.StatusServiceUnavailable), look(ctx, target, "/metrics", http.StatusForbidden))
	_ = target.Hub.Shutdown(hasty) // the first caller has the result
	for range cap(ended) {
		if stopped := <-ended; !errors.Is(stopped, context.Canceled) {
			err = errors.Join(err, stopped)
		}
	}
	for len(events.Events()) > 0 {
		e := <-events.Events()
		_ = e.Payload()
	}
	if _, late := target.Hub.Subscribe(v.Name); !errors.Is(late, hub.ErrClosed) {
		err = errors.Join(err, errors.New("a hub that has ended takes subscriptions"))
	}
	return err
}

// deafSubscriber does not read its events until some are lost, then reads what there is.
func deafSubscriber(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	events, err := target.Hub.Subscribe(v.Name)
	if err != nil {
		return err
	}
	p := others(target, v, 1)[0]
	if err := p.Join(ctx, v.Home); err != nil {
		return err
	}
	for events.Lost() == 0 && ctx.Err() == nil {
		if err := p.Announce(v.Home); err != nil {
			return err
		}
		if _, err := p.Fence(ctx); err != nil {
			return err
		}
	}
	_ = target.Hub.Sessions()
	err = p.Close(ctx)
	events.Close()
	<-events.Done()
	for len(events.Events()) > 0 {
		e := <-events.Events()
		_ = e.Payload()
	}
	return err
}

// shedQueue sends to a peer that does not read until the hub has no room for what waits.
func shedQueue(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	peers := others(target, v, 2)
	for _, p := range peers {
		if err := p.Join(ctx, v.Home); err != nil {
			return err
		}
	}
	defer peers[0].Drop()
	payload := append(append([]byte{'"'}, bytes.Repeat([]byte{'x'}, 3000)...), '"')
	for ctx.Err() == nil {
		if err := peers[1].Signal(wire.KindOffer, peers[0].ID, payload); err != nil {
			return err
		}
		heard, err := peers[1].Fence(ctx)
		if err != nil {
			return err
		}
		for _, m := range heard {
			if m.Type == wire.KindPeerDisconnected.String() {
				return peers[1].Close(ctx)
			}
		}
	}
	return fmt.Errorf("the peer that does not read is still there: %w", ctx.Err())
}

// halfMessages are the beginnings of messages, more than the hub has room for.
func halfMessages(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	half := append([]byte{0x81, 0xfe, 0x40, 0x00, 0, 0, 0, 0}, bytes.Repeat([]byte{' '}, 12_000)...)
	peers := others(target, v, 3)
	for _, p := range peers {
		if err := p.Join(ctx, v.Home); err != nil {
			return err
		}
		defer p.Drop()
	}
	for _, p := range peers {
		if err := p.WriteBytes(half); err != nil {
			return nil // the hub has cut this one already
		}
	}
	return settle.Until(ctx, func() error {
		if target.Hub.Stats().Sessions == len(peers) {
			return errors.New("no sender of half a message was cut")
		}
		return nil
	})
}

// outOfMemory is a hub that may use less memory than it does: it lets nobody in.
func outOfMemory(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	events, err := target.Hub.Subscribe(v.Name, hub.EventMemoryAlert)
	if err != nil {
		return err
	}
	defer events.Close()
	p := others(target, v, 1)[0]
	return settle.Until(ctx, func() error {
		if err := p.Dial(ctx); err == nil {
			return errors.Join(errors.New("a hub without memory lets peers in"), p.Drop())
		}
		for len(events.Events()) > 0 {
			e := <-events.Events()
			_ = e.Payload()
		}
		return look(ctx, target, "/readyz", http.StatusServiceUnavailable)
	})
}

// pageServers serve the pages beside a hub.
type pageServers struct {
	target          *hubtest.Target
	public, private *httptest.Server
	stop            func()
	showing         sync.RWMutex // held for reading by viewers of these live plots: one handler of a process can show them
}

func startPages(target *hubtest.Target) (*pageServers, error) {
	handler, stop, err := admin.Private(target.Hub)
	if err != nil {
		return nil, err
	}
	return &pageServers{
		target: target, private: httptest.NewServer(handler), stop: stop,
		public: httptest.NewServer(admin.Public(target.Hub, admin.PublicConfig{Metrics: true})),
	}, nil
}

func (s *pageServers) close() {
	s.stop()
	s.public.Close()
	s.private.Close()
}

// read reads every page while a hub of its own is there, which /hubs names.
func (s *pageServers) read(ctx context.Context, v *harness.Visit) error {
	c, err := wire.Dial(ctx, s.target.URL(), v.ID, &wire.DialOptions{NetDialContext: s.target.Dial, Header: http.Header{"Authorization": {"Bearer " + v.HubKey}}})
	if err != nil {
		return err
	}
	defer c.Close()
	err = c.Announce(v.Home, map[string]any{"isHub": true})
	for _, path := range []string{"/", "/health", "/hubs", "/livez", "/readyz", "/metrics", "/nothing"} {
		err = errors.Join(err, readPage(ctx, http.MethodGet, s.public.URL+path))
	}
	for _, method := range []string{http.MethodOptions, http.MethodPost} {
		err = errors.Join(err, readPage(ctx, method, s.public.URL+"/health"))
	}
	for _, path := range []string{"/", "/livez", "/readyz", "/metrics", "/debug/state", "/debug/statsviz/", "/debug/pprof/cmdline"} {
		err = errors.Join(err, readPage(ctx, http.MethodGet, s.private.URL+path))
	}
	return errors.Join(err, s.readForeign(ctx), c.SendClose(wire.CodeNormal, "done"), readToEnd(c))
}

// readForeign asks for an operator's page as a page of another site would.
func (s *pageServers) readForeign(ctx context.Context) error {
	for _, set := range []func(*http.Request){
		func(r *http.Request) { r.Header.Set("Origin", "https://example.com") },
		func(r *http.Request) { r.Host = "example.com" },
	} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.private.URL+"/debug/state", nil)
		if err != nil {
			return err
		}
		set(req)
		res, err := newPageClient().Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			return err
		}
	}
	return nil
}

// stopUnderViewer stops another operator's handler under a viewer of its live plots.
func (s *pageServers) stopUnderViewer(ctx context.Context, _ *harness.Visit) error {
	handler, stop, err := admin.Private(s.target.Hub)
	if err != nil {
		return err
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	err = s.viewUntil(ctx, server.URL, stop)
	return errors.Join(err, readPage(ctx, http.MethodGet, server.URL+"/debug/state"))
}

// viewUntil follows the live plots at url and has stop disconnect it.
func (s *pageServers) viewUntil(ctx context.Context, url string, stop func()) error {
	s.showing.Lock()
	defer s.showing.Unlock()
	var ws *websocket.Conn
	err := settle.Until(ctx, func() (err error) { // the other handler shows them a moment longer
		var res *http.Response
		if ws, res, err = websocket.DefaultDialer.DialContext(ctx, strings.Replace(url, "http", "ws", 1)+"/debug/statsviz/ws", nil); res != nil {
			res.Body.Close()
		}
		return err
	})
	stop()
	if err != nil {
		return err
	}
	defer ws.Close()
	if deadline, ok := ctx.Deadline(); ok {
		ws.SetReadDeadline(deadline)
	}
	for err == nil {
		_, _, err = ws.ReadMessage()
	}
	if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
		return errors.New("the viewer was not disconnected")
	}
	return nil
}

// plots follows the live plots until they have moved.
func (s *pageServers) plots(ctx context.Context, _ *harness.Visit) error {
	s.showing.RLock()
	defer s.showing.RUnlock()
	return lookAtPlots(ctx, s.private.URL)
}
