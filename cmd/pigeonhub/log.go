package main

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"golang.org/x/term"
)

// newLogger logs to w: as text if w is a terminal, else as JSON, unless configured.
func newLogger(c *config, w io.Writer) *slog.Logger {
	c.level.Set(c.logLevel)
	opts := &slog.HandlerOptions{Level: c.level}
	if c.logFormat == "text" || c.logFormat == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// httpLog sets the level of what http.Server logs. A peer can cause most of it at will,
// such as failed TLS handshakes, so that is debug. A panic of a handler is an error,
// a listener that is out of descriptors a warning.
type httpLog struct{ slog.Handler }

// Enabled implements slog.Handler. Handle knows the level and decides.
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
