package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen"
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
		if a.Value.Any() == nil {
			return true
		}
		fmt.Fprintf(&b, "  %s %s", strings.ReplaceAll(a.Key, "_", " "), a.Value)
		return true
	})
	b.WriteByte('\n')
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.w, b.String())
	return err
}

// The time between two lines about the state of a run: five seconds, and later a part of the
// time so far, so that a night has some hundred lines.
const (
	lineEvery  = 5 * time.Second
	linesSoFar = 60
)

// steadily returns a function that logs the state of a run at a steady pace.
func steadily(log *slog.Logger) func(loadgen.Status) {
	next := lineEvery
	return func(s loadgen.Status) {
		if s.Elapsed < next {
			return
		}
		next = s.Elapsed + max(lineEvery, s.Elapsed/linesSoFar)
		d := s.Deliveries
		log.Info(phaseOf(s), "peers", s.Connections, "in_all", s.Lives, "messages", d.Sent, "delivered", d.Delivered, "cut", s.Cut, "errors", s.Errors)
	}
}

// WithAttrs returns p, because loadgen uses neither common attributes nor groups.
func (p *progress) WithAttrs([]slog.Attr) slog.Handler { return p }

// WithGroup returns p.
func (p *progress) WithGroup(string) slog.Handler { return p }
