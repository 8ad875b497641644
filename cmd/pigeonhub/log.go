package main

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"golang.org/x/term"
)

// newLogger logs to w: as text for people at a terminal, else as JSON for
// programs.
func newLogger(c *config, w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.logLevel}
	if c.logFormat == "text" || c.logFormat == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// httpLog gives what http.Server has to say its level. Anybody can cause most of
// it at will, by a TLS handshake that ends early for instance, so that is for
// debugging only; but of a handler that panics, or a listener that is out of
// descriptors, somebody should hear.
type httpLog struct{ slog.Handler }

// Enabled leaves the decision to Handle, which knows the level.
func (h httpLog) Enabled(context.Context, slog.Level) bool { return true }

func (h httpLog) Handle(ctx context.Context, r slog.Record) error {
	switch {
	case strings.Contains(r.Message, "panic serving"):
		r.Level = slog.LevelError
	case strings.Contains(r.Message, "Accept error"):
		r.Level = slog.LevelWarn
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}
