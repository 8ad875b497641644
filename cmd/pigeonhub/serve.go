package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
)

// service is the hub with its two listeners.
type service struct {
	cfg   atomic.Pointer[config]       // in use; see reload
	pages atomic.Pointer[http.Handler] // for peers; see reload
	log   *slog.Logger
	hub   *hub.Hub

	servers   []*http.Server // the one for peers is first
	listeners map[string]net.Listener
	pending   *connLimiter // of the connections for peers
	endAdmin  func()       // stops the admin handler
	serving   sync.WaitGroup
	failed    chan error // receives the error of the public listener; buffered
	signals   <-chan os.Signal
	drained   chan struct{} // receives a value when the operator asks for the end; buffered

	notify notifier
	in     inherited

	succession
}

// exitGrace is how long a hub may take to cut all connections after its deadline.
const exitGrace = time.Second

// serve runs the hub until a signal, the end of ctx or a failure. All of them lead to the
// same shutdown (P1). It returns the exit code.
func serve(ctx context.Context, c *config, in inherited, log *slog.Logger) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, slices.Collect(maps.Keys(handlers))...)
	defer signal.Stop(asked)
	// The reader of the log may end first, for example after Ctrl-C in a pipeline.
	// That must not end the process in the middle of its shutdown.
	signal.Ignore(syscall.SIGPIPE)

	log.Info("starting", "version", buildVersion(), "pid", os.Getpid(), "max_connections", c.hub.MaxConnections)
	for _, text := range c.warnings() {
		log.Warn(text)
	}
	c.limitGo(log)
	c.hub.Logger = log
	h, err := hub.New(c.hub)
	if err != nil {
		log.Error("cannot create the hub", "error", err)
		in.report(err.Error())
		return exitConfig
	}
	s := newService(c, log, h, signals)
	s.notify, s.in = newNotifier(c.environ, log), in
	if err = s.start(ctx); err != nil {
		s.in.report(err.Error())
		return s.end(err)
	}
	s.notify.send("READY=1")
	s.in.report(startsWell)
	defer s.handleSignals(asked)()
	return s.end(s.wait(ctx))
}

func newService(c *config, log *slog.Logger, h *hub.Hub, signals <-chan os.Signal) *service {
	s := &service{log: log, hub: h, listeners: make(map[string]net.Listener), endAdmin: func() {}, failed: make(chan error, 1), signals: signals, drained: make(chan struct{}, 1)}
	s.succession.init()
	s.cfg.Store(c)
	s.setPages(c)
	return s
}

// start opens the listeners that it has not inherited.
func (s *service) start(ctx context.Context) error {
	c := s.cfg.Load()
	c.verifier.Use(c.rules, s.log)
	public, err := s.in.public, error(nil)
	if public == nil {
		if public, err = listen(ctx, c.host, c.port, c.portRetries); err != nil {
			return err
		}
		s.warnIfMoved("port", c.port, public)
	}
	s.servePublic(public)
	switch {
	case c.adminAddress != "":
		return s.startAdmin(ctx)
	case s.in.admin != nil: // else connections to it would wait for ever
		return s.in.admin.Close()
	}
	return nil
}

// wait returns when the hub is to end. The error is nil unless it failed.
func (s *service) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case sig := <-s.signals:
		s.log.Info("shutting down; a second signal cuts all connections", "signal", sig.String())
		return nil
	case <-s.drained:
		s.log.Info("shutting down, because an operator asks for it")
		return nil
	case err := <-s.failed:
		return err
	case s.successor = <-s.succeeded:
		s.log.Info("handed over, shutting down", "pid", s.successor.Pid)
		s.notify.send("MAINPID=" + strconv.Itoa(s.successor.Pid))
		return nil
	}
}

// servePublic serves peers until the listener is closed. Its failure ends the hub.
func (s *service) servePublic(ln net.Listener) {
	c := s.cfg.Load()
	l := newConnLimiter(publicPendingLeast, publicPendingMost, s.freeDescriptors, s.log)
	srv := newPublicServer(http.HandlerFunc(s.servePages), l, s.log)
	scheme := "ws"
	if c.tls != nil {
		c.tls.log = s.log
		scheme = "wss"
	}
	s.pending = l
	if s.in.held {
		s.listeners[nameHeld] = ln
	} else {
		s.listeners[namePublic] = ln
	}
	s.log.Info("listening", "address", ln.Addr().String(), "url", scheme+"://"+reachable(c.host, portOf(ln)))
	var door net.Listener = newPausingListener(ln, l)
	if c.tls != nil {
		door = tls.NewListener(door, c.tls.serverConfig())
	}
	s.servers = append(s.servers, srv)
	s.serving.Go(func() {
		if err := srv.Serve(door); !isClosed(err) {
			s.failed <- fmt.Errorf("listener failed: %w", err)
		}
	})
	s.hub.Listening(ln.Addr())
}

// collectors returns the metrics of the program.
func (c *config) collectors() []prometheus.Collector {
	list := []prometheus.Collector{c.verifier}
	if c.tls != nil {
		list = append(list, c.tls.collector())
	}
	return list
}

// freeDescriptors returns how many more connections fit into the descriptor limit.
func (s *service) freeDescriptors() int {
	return hub.DefaultMaxConnections() - s.hub.Sessions()
}

// startAdmin serves the operator's pages. A busy port is no failure, because several
// hubs may run on one machine. Any other error of the address is.
func (s *service) startAdmin(ctx context.Context) error {
	c := s.cfg.Load()
	host, text, _ := net.SplitHostPort(c.adminAddress)
	port, _ := strconv.Atoi(text)
	ln, err := s.in.admin, error(nil)
	if ln == nil {
		ln, err = listen(ctx, host, port, c.portRetries)
	}
	if err != nil && isBusy(err) {
		s.log.Warn("no admin listener", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("admin-address: %w", err)
	}
	handler, end := admin.Private(s.hub, admin.PrivateConfig{Collectors: c.collectors(), Drain: s.drain, Restart: restartCommands()})
	s.endAdmin = end
	if s.in.admin == nil {
		s.warnIfMoved("admin-address", port, ln)
	}
	s.listeners[nameAdmin] = ln
	s.log.Info("listening for the operator", "url", "http://"+ln.Addr().String())
	handler = s.askForToken(handler, ln.Addr())
	srv := newAdminServer(handler, newConnLimiter(adminPending, adminPending, nil, s.log), s.log)
	s.servers = append(s.servers, srv)
	s.serving.Go(func() {
		if err := srv.Serve(ln); !isClosed(err) {
			s.log.Error("admin listener failed", "error", err) // the hub goes on without it
		}
	})
	return nil
}

// askForToken has the operator's pages ask for the token if there is one, or if other machines can
// reach addr. It looks at the settings for each request, because a reload may change them.
func (s *service) askForToken(pages http.Handler, addr net.Addr) http.Handler {
	host, _, _ := net.SplitHostPort(addr.String())
	local, closed := isLoopback(host), admin.RequireToken(pages, func() string { return s.cfg.Load().adminToken })
	if c := s.cfg.Load(); !local && c.adminToken == "" {
		s.log.Warn("other machines can reach the admin listener, and there is no admin-token", "address", addr.String(), "open", c.adminOpen)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c := s.cfg.Load(); c.adminToken == "" && (local || c.adminOpen) {
			pages.ServeHTTP(w, r)
			return
		}
		closed.ServeHTTP(w, r)
	})
}

func (s *service) warnIfMoved(setting string, wanted int, ln net.Listener) {
	if got := portOf(ln); wanted != 0 && got != wanted {
		s.log.Warn("port is busy, using the next free one", "setting", setting, "wanted", wanted, "port", got)
	}
}

// end shuts everything down and returns the exit code. The listeners go on until the hub
// has ended, so that health checks and new peers get an answer, unless another process
// has the sockets too.
func (s *service) end(failure error) int {
	s.ending.Store(true)
	if s.successor == nil {
		s.notify.send("STOPPING=1")
	}
	if (s.successor != nil || s.in.held) && len(s.servers) > 0 {
		s.leave()
	}
	if failure != nil {
		s.log.Error("the hub fails", "error", failure)
		s.hub.Fail(failure)
	}
	code := s.endHub()
	s.cfg.Load().verifier.Close()
	s.endAdmin()
	for _, srv := range s.servers {
		endServer(srv)
	}
	s.serving.Wait()
	if failure != nil {
		return exitFailed
	}
	return code
}

// endHub shuts the hub down. At the deadline, or at a second signal, the hub cuts its
// connections. endHub returns exitGrace later at the latest.
func (s *service) endHub() int {
	timeout := s.cfg.Load().shutdownTimeout
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.hub.Shutdown(ctx) }()
	code, patience := exitForced, timeout
	for {
		select {
		case err := <-ended:
			if err == nil {
				return exitOK // the hub has logged the end itself
			}
			s.log.Error("shutdown was not orderly", "error", err)
			return code
		case sig := <-s.signals:
			s.log.Warn("cutting all connections", "signal", sig.String())
			cancel()
			code, patience = exitFailed, 0
		case <-time.After(patience + exitGrace):
			s.log.Error("shutdown does not end")
			return code
		}
	}
}
