package regress_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// edgeScenarios returns scenarios that are rare in production: malformed messages, refusals of
// every kind, lack of memory, subscribers that do not read, and requests for the HTTP pages.
func (w *world) edgeScenarios(cfg hub.Config, pages *pageServers) []harness.Scenario {
	own := func(live func(context.Context, *harness.Visit, *hubtest.Target) error, change func(*hub.Config)) func(context.Context, *harness.Visit) error {
		return w.ownHub(cfg, change, live)
	}
	same := func(*hub.Config) {}
	onTarget := func(live func(context.Context, *hubtest.Target, *harness.Visit) error) func(context.Context, *harness.Visit) error {
		return func(ctx context.Context, v *harness.Visit) error { return live(ctx, w.target, v) }
	}
	return []harness.Scenario{
		{Name: "malformed", Live: onTarget(liveMalformed)},
		{Name: "strict", Live: onTarget(liveStrict)},
		{Name: "addresses", Live: w.secondOfAnAddress},
		{Name: "prefixes", Live: w.thirdOfAPrefix},
		{Name: "cut-and-back", Live: w.cutAndBack},
		{Name: "rivals", Live: rivals, Waits: true, AtOnce: 8},
		{Name: "pages", Live: pages.read, Waits: true, AtOnce: 4},
		{Name: "follow", Live: pages.follow, Waits: true, AtOnce: 4},
		{Name: "operator", Live: pages.stopUnderViewer, Waits: true, AtOnce: 2},
		{Name: "hijack", Live: own(brokenUpgrades, func(c *hub.Config) { c.AllowedOrigins = []string{"https://example.com"} })},
		{Name: "bare", Live: own(wholeHub, switchOff)},
		{Name: "draining", Live: own(joinWhileDraining, same)},
		{Name: "slow-subscriber", Live: own(slowSubscriber, func(c *hub.Config) { c.AnnounceRate = -1 })},
		{Name: "shed", Live: own(shedQueue, func(c *hub.Config) { c.QueueBytesTotal, c.CloseTimeout = 64<<10, 100*time.Millisecond })},
		{Name: "half", Live: own(halfMessages, func(c *hub.Config) { c.ReadBytesTotal, c.CloseTimeout = 16<<10, 100*time.Millisecond })},
		{Name: "memory", Live: own(outOfMemory, func(c *hub.Config) { c.Memory.Limit = 1 }), Waits: true, AtOnce: 1}, // each forces collections
	}
}

// switchOff switches off all that an embedder can.
func switchOff(c *hub.Config) {
	c.AddressSessions, c.PrefixSessions, c.AddressRate, c.MessageRate, c.AnnounceRate = -1, -1, -1, -1, -1
	c.IDReservation, c.ParkAfter, c.DrainWindow, c.Memory.Interval, c.Memory.LeakPeriod = -1, -1, -1, -1, -1
}

// rivals dials twice at once with the id of a connected peer that does not answer.
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
				_, err = p.Conn().Receive() // the greeting or a close frame
				err = errors.Join(ignoreClosed(err), p.Drop())
			}
			ended <- err
		}()
	}
	return errors.Join(<-ended, <-ended)
}

// ignoreClosed returns nil if err is the close frame of the hub.
func ignoreClosed(err error) error {
	if closed := (*wire.CloseError)(nil); errors.As(err, &closed) {
		return nil
	}
	return err
}

// upgradeRequest returns a WebSocket handshake with additional header names and values.
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

// brokenUpgrades sends requests that are no upgrade, that cannot be hijacked, that have a wrong
// key or origin, and one whose connection breaks before the hub answers.
func brokenUpgrades(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	plain := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	for _, req := range []*http.Request{
		plain, upgradeRequest(ctx, v.ID), upgradeRequest(ctx, v.ID, "Sec-WebSocket-Key", "short"), upgradeRequest(ctx, v.ID, "Origin", "https://example.net"),
	} {
		res := httptest.NewRecorder()
		if target.Hub.ServeHTTP(res, req); res.Code == http.StatusSwitchingProtocols {
			return errors.New("the hub upgraded a request that it must refuse")
		}
	}
	target.Hub.ServeHTTP(&lostConnection{httptest.NewRecorder()}, upgradeRequest(ctx, v.ID))
	_, err := hub.New(hub.Config{
		MaxConnections: -1, AddressRate: math.NaN(), PingInterval: -1, MeshNamespace: wire.DefaultNetwork, DrainCloseCode: 1,
		HubPeerIDs: []wire.PeerID{"none"}, Memory: hub.MemoryConfig{Interval: 1},
	})
	if err == nil {
		return errors.New("hub.New accepted an invalid configuration")
	}
	return nil
}

// wantStatus requests a page of the hub without a network and compares the status.
func wantStatus(ctx context.Context, target *hubtest.Target, path string, status int) error {
	res := httptest.NewRecorder()
	handler := admin.Public(target.Hub, admin.PublicConfig{Metrics: true, HideDetails: true})
	if handler.ServeHTTP(res, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)); res.Code != status {
		return fmt.Errorf("%s: status %d, want %d", path, res.Code, status)
	}
	return nil
}

// lostConnection is a response writer whose connection is closed when it is hijacked.
type lostConnection struct{ *httptest.ResponseRecorder }

func (l *lostConnection) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	ours, theirs := net.Pipe()
	return ours, bufio.NewReadWriter(bufio.NewReader(ours), bufio.NewWriter(ours)), theirs.Close()
}
