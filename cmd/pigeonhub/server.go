package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Limits of HTTP. They end with the upgrade: a session keeps its own time.
const (
	headerTimeout  = 10 * time.Second // TLS handshake and request header
	requestTimeout = 20 * time.Second // with the body, which nothing here reads
	answerTimeout  = 30 * time.Second
	idleTimeout    = time.Minute
	maxHeaderBytes = 16 << 10
	lastRequests   = time.Second // for requests under way when the hub has ended
)

// newPublicServer serves peers.
func newPublicServer(handler http.Handler, l *lobby, log *slog.Logger) *http.Server {
	s := newAdminServer(handler, l, log)
	s.ReadTimeout, s.WriteTimeout = requestTimeout, answerTimeout
	return s
}

// newAdminServer serves the operator, whose profiles and plots take their time.
func newAdminServer(handler http.Handler, l *lobby, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:                      handler,
		DisableGeneralOptionsHandler: true, // the handler answers OPTIONS *, too
		ReadHeaderTimeout:            headerTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		ConnState:                    l.track,
		ErrorLog:                     slog.NewLogLogger(httpLog{log.Handler()}, slog.LevelDebug),
	}
}

// endServer lets requests under way finish, for a while.
func endServer(s *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), lastRequests)
	defer cancel()
	if s.Shutdown(ctx) != nil {
		s.Close()
	}
}
