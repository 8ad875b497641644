package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/admin"
)

// service is the hub with its two listeners.
type service struct {
	cfg *config
	log *slog.Logger
	hub *hub.Hub

	servers  []*http.Server
	endAdmin func() // ends what the admin handler started
	serving  sync.WaitGroup
	failed   chan error // the public listener's; has room for it
	signals  <-chan os.Signal
}

// exitGrace is how long a hub may take to cut everything when its time is up.
const exitGrace = time.Second

// serve runs the hub until a signal, the end of ctx, or a failure, and ends it:
// there is one way out for all of them (P1).
func serve(ctx context.Context, c *config, log *slog.Logger) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	// Who reads the log may be gone before us, after Ctrl-C in a pipeline for
	// instance. That must not end the hub in the middle of telling its peers.
	signal.Ignore(syscall.SIGPIPE)

	log.Info("starting", "version", buildVersion(), "pid", os.Getpid(), "max_connections", c.hub.MaxConnections)
	for _, text := range c.warnings() {
		log.Warn(text)
	}
	c.limitGo(log)
	c.hub.Logger = log
	h, err := hub.New(c.hub)
	if err != nil {
		log.Error("cannot make the hub", "error", err)
		return exitConfig
	}
	s := newService(c, log, h, signals)
	if err = s.start(ctx); err == nil {
		err = s.wait(ctx)
	}
	return s.end(err)
}

func newService(c *config, log *slog.Logger, h *hub.Hub, signals <-chan os.Signal) *service {
	return &service{cfg: c, log: log, hub: h, endAdmin: func() {}, failed: make(chan error, 1), signals: signals}
}

// start opens the listeners.
func (s *service) start(ctx context.Context) error {
	public, err := listen(ctx, s.cfg.host, s.cfg.port, s.cfg.portRetries)
	if err != nil {
		return err
	}
	s.servePublic(public)
	if s.cfg.adminAddress == "" {
		return nil
	}
	return s.startAdmin(ctx)
}

// wait returns when the hub is to end, with the reason if that is a failure.
func (s *service) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case sig := <-s.signals:
		s.log.Info("ending; once more to end at once", "signal", sig.String())
		return nil
	case err := <-s.failed:
		return err
	}
}

// servePublic serves peers until the listener is closed. A listener that fails
// ends the hub.
func (s *service) servePublic(ln net.Listener) {
	l := newLobby(publicLobbyLeast, publicLobbyMost, s.freeDescriptors, s.log)
	srv := newPublicServer(admin.Public(s.hub, s.cfg.public), l, s.log)
	scheme := "ws"
	if s.cfg.tls != nil {
		s.cfg.tls.log = s.log
		scheme = "wss"
	}
	s.warnIfMoved("port", s.cfg.port, ln)
	s.log.Info("listening", "address", ln.Addr().String(), "url", scheme+"://"+reachable(s.cfg.host, portOf(ln)))
	var door net.Listener = newGate(ln, l)
	if s.cfg.tls != nil {
		door = tls.NewListener(door, s.cfg.tls.serverConfig())
	}
	s.servers = append(s.servers, srv)
	s.serving.Go(func() {
		if err := srv.Serve(door); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("listener failed: %w", err)
		}
	})
	s.hub.Listening(ln.Addr())
}

// freeDescriptors is how many more connections fit into the descriptor limit.
func (s *service) freeDescriptors() int {
	return hub.DefaultMaxConnections() - s.hub.Sessions()
}

// startAdmin serves the operator. Two hubs may run on one machine, so a busy port
// is no failure; what else can be wrong with the address is.
func (s *service) startAdmin(ctx context.Context) error {
	host, text, _ := net.SplitHostPort(s.cfg.adminAddress)
	port, _ := strconv.Atoi(text)
	ln, err := listen(ctx, host, port, s.cfg.portRetries)
	if err != nil && isBusy(err) {
		s.log.Warn("no admin listener", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("admin-address: %w", err)
	}
	handler, end, err := admin.Private(s.hub)
	if err != nil {
		ln.Close()
		return fmt.Errorf("admin: %w", err)
	}
	s.endAdmin = end
	s.warnIfMoved("admin-address", port, ln)
	s.log.Info("listening for the operator", "url", "http://"+ln.Addr().String())
	if a, ok := ln.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		s.log.Warn("the admin listener asks for no token and can be reached from other machines", "address", a.String())
	}
	srv := newAdminServer(handler, newLobby(adminLobbySize, adminLobbySize, nil, s.log), s.log)
	s.servers = append(s.servers, srv)
	s.serving.Go(func() {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("admin listener failed", "error", err) // peers need not suffer for it
		}
	})
	return nil
}

func (s *service) warnIfMoved(setting string, wanted int, ln net.Listener) {
	if got := portOf(ln); wanted != 0 && got != wanted {
		s.log.Warn("the port is busy, took the next free one", "setting", setting, "wanted", wanted, "port", got)
	}
}

// end ends everything and returns the exit code. The listeners go on until the
// hub has ended: they say so to health checks and to peers that come.
func (s *service) end(failure error) int {
	if failure != nil {
		s.log.Error("the hub must end", "error", failure)
		s.hub.Fail(failure)
	}
	code := s.endHub()
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

// endHub ends the hub in time: at the deadline, or at a second signal, it cuts
// what is still open, and does not wait for what does not end even then.
func (s *service) endHub() int {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.shutdownTimeout)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.hub.Shutdown(ctx) }()
	code, patience := exitForced, s.cfg.shutdownTimeout
	for {
		select {
		case err := <-ended:
			if err == nil {
				return exitOK // the hub's own line is the last of the log
			}
			s.log.Error("the end was not orderly", "error", err)
			return code
		case sig := <-s.signals:
			s.log.Warn("ending at once", "signal", sig.String())
			cancel()
			code, patience = exitFailed, 0
		case <-time.After(patience + exitGrace):
			s.log.Error("the hub does not end")
			return code
		}
	}
}
