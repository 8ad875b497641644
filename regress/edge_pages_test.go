package regress_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub/admin"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// pageServers serve the HTTP pages of a hub.
type pageServers struct {
	target          *hubtest.Target
	public, private *httptest.Server
	stop            func()
}

func startPages(target *hubtest.Target) *pageServers {
	handler, stop := admin.Private(target.Hub, admin.PrivateConfig{})
	return &pageServers{
		target: target, private: httptest.NewServer(handler), stop: stop,
		public: httptest.NewServer(admin.Public(target.Hub, admin.PublicConfig{Metrics: true})),
	}
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
	for _, path := range []string{"/", "/livez", "/readyz", "/metrics", "/debug/state", "/peers?q=" + v.Home, "/peers/" + string(v.ID), "/debug/pprof/cmdline"} {
		err = errors.Join(err, readPage(ctx, http.MethodGet, s.private.URL+path))
	}
	s.leave(ctx)
	return errors.Join(err, s.readForeign(ctx), s.readStrange(ctx, string(v.ID)), c.SendClose(wire.CodeNormal, "done"), readToEnd(c))
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

// readStrange sends requests to both servers. No other visit has their values.
func (s *pageServers) readStrange(ctx context.Context, name string) error {
	client := newPageClient()
	for _, server := range []*httptest.Server{s.public, s.private} {
		requests, err := hostile.Requests(ctx, server.URL, name, "")
		if err != nil {
			return err
		}
		if err := hostile.Ask(client, requests); err != nil {
			return err
		}
	}
	return nil
}

// leave requests every page for a client that has gone when it is made.
func (s *pageServers) leave(ctx context.Context) {
	gone, cancel := context.WithCancel(ctx)
	cancel()
	for _, page := range []struct {
		server *httptest.Server
		paths  []string
	}{
		{s.public, []string{"/health", "/hubs", "/readyz", "/metrics"}}, {s.private, []string{"/", "/readyz", "/metrics", "/debug/state", "/peers", "/debug/pprof/cmdline"}},
	} {
		for _, path := range page.paths {
			page.server.Config.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, http.MethodGet, "http://127.0.0.1"+path, nil))
		}
	}
}

// stopUnderViewer stops a second private handler while a viewer waits for a profile.
func (s *pageServers) stopUnderViewer(ctx context.Context, _ *harness.Visit) error {
	handler, stop := admin.Private(s.target.Hub, admin.PrivateConfig{})
	server := httptest.NewServer(handler)
	defer server.Close()
	viewed := make(chan error, 1)
	go func() { viewed <- readPage(ctx, http.MethodGet, server.URL+"/debug/pprof/mutex?seconds=3600") }() // of which there is little to collect
	stop()
	return errors.Join(<-viewed, readPage(ctx, http.MethodGet, server.URL+"/debug/state"))
}

// follow follows the operator's pages of s.private.
func (s *pageServers) follow(ctx context.Context, v *harness.Visit) error {
	return followPages(ctx, s.private.URL, v.ID)
}

// followPages loads the operator's first page again and again on one connection, as a browser does,
// looks at a peer and waits a second for a profile. It leaves without reading the last page.
func followPages(ctx context.Context, url string, id wire.PeerID) error {
	transport := &http.Transport{MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	get := func(path string, read io.Writer) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		if read != nil {
			_, err = io.Copy(read, res.Body)
		}
		return errors.Join(err, res.Body.Close())
	}
	for _, path := range []string{"/", "/?follow=1", "/peers/" + string(id), "/operator.css", "/debug/pprof/goroutine?seconds=1"} {
		if err := get(path, io.Discard); err != nil {
			return err
		}
	}
	return get("/", nil)
}
