package regress_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// pageServers serve the HTTP pages of a hub.
type pageServers struct {
	target          *hubtest.Target
	public, private *httptest.Server
	stop            func()
	plotting        sync.RWMutex // read-locked by viewers of private: only one handler of a process can serve live plots
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

// read requests every page while a hub is connected, so that /hubs lists one.
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

// readForeign requests a private page with the Origin, then with the Host, of another site.
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

// stopUnderViewer stops a second private handler while a viewer follows its live plots.
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

// viewUntil follows the live plots at url, calls stop and expects to be disconnected.
func (s *pageServers) viewUntil(ctx context.Context, url string, stop func()) error {
	s.plotting.Lock()
	defer s.plotting.Unlock()
	var ws *websocket.Conn
	err := settle.Until(ctx, func() (err error) { // s.private may serve plots for a moment longer
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

// plots follows the live plots of s.private until the first message.
func (s *pageServers) plots(ctx context.Context, _ *harness.Visit) error {
	s.plotting.RLock()
	defer s.plotting.RUnlock()
	return readPlots(ctx, s.private.URL)
}
