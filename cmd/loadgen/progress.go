package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// progress writes log records as lines: the time since the begin, the message and its
// attributes.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	start time.Time
}

func newProgress(w io.Writer) *progress { return &progress{w: w, start: time.Now()} }

// Enabled skips debug records.
func (p *progress) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

// Handle writes a line.
func (p *progress) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%6.1fs  %s", r.Time.Sub(p.start).Seconds(), r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, "  %s %s", strings.ReplaceAll(a.Key, "_", " "), a.Value)
		return true
	})
	b.WriteByte('\n')
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.w, b.String())
	return err
}

// WithAttrs returns p, because loadgen uses neither common attributes nor groups.
func (p *progress) WithAttrs([]slog.Attr) slog.Handler { return p }

// WithGroup returns p.
func (p *progress) WithGroup(string) slog.Handler { return p }
