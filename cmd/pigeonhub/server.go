package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Timeouts of HTTP. They end with the upgrade: a session has its own.
const (
	headerTimeout  = 10 * time.Second // TLS handshake and request header
	requestTimeout = 20 * time.Second // body included, which is not read
	answerTimeout  = 30 * time.Second
	idleTimeout    = time.Minute
	maxHeaderBytes = 16 << 10
	lastRequests   = time.Second // for requests that are open when the hub has ended
)

// newPublicServer returns the server for peers.
func newPublicServer(handler http.Handler, l *connLimiter, log *slog.Logger) *http.Server {
	s := newAdminServer(handler, l, log)
	s.ReadTimeout, s.WriteTimeout = requestTimeout, answerTimeout
	return s
}

// newAdminServer returns the server for the operator. It has no write timeout, because
// profiles take long.
func newAdminServer(handler http.Handler, l *connLimiter, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:                      handler,
		DisableGeneralOptionsHandler: true, // the handler answers OPTIONS *
		ReadHeaderTimeout:            headerTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		ConnState:                    l.track,
		ErrorLog:                     slog.NewLogLogger(httpLog{log.Handler()}, slog.LevelDebug),
	}
}

// isClosed reports whether a server has ended because the hub closed it or its listener.
func isClosed(err error) bool {
	return errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed)
}

// endServer shuts a server down. Requests get lastRequests to finish.
func endServer(s *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), lastRequests)
	defer cancel()
	if s.Shutdown(ctx) != nil {
		s.Close()
	}
}
