package hub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

const (
	// cutMargin is how long before its deadline a Shutdown closes what is still
	// open, so that it can be joined in time.
	cutMargin = 250 * time.Millisecond
	// joinTimeout is how long a Shutdown without a deadline waits, once its context
	// has ended, for what it has closed. On a machine that is not overloaded it
	// takes milliseconds.
	joinTimeout = 10 * time.Second
)

// drainStep is the longest gap between two closes of a drain: a few sessions make
// no herd, and nobody should wait for them.
const drainStep = 5 * time.Millisecond

// drainBatch is how many sessions are ended between two commits.
const drainBatch = 32

// Shutdown ends the hub and returns when nothing of it is left: no goroutine,
// timer, descriptor, map entry, subscription. It refuses new peers at once, tells
// the connected ones with a close frame, in random order over Config.DrainWindow
// (or half the time ctx leaves, if that is less), waits for them to close, and
// shortly before the deadline of ctx closes whatever is left. It returns nil for
// an orderly end, and an error that wraps the one of ctx if connections had to be
// cut or something did not end. Further calls wait for the first; its result is
// theirs too, unless their own ctx ends before.
func (h *Hub) Shutdown(ctx context.Context) error {
	if !h.gate.close() {
		select {
		case <-h.ended.Done():
			return h.endErr
		case <-ctx.Done():
			return fmt.Errorf("hub: shutdown: %w", ctx.Err())
		}
	}
	defer h.setEnded()
	began := time.Now()
	h.cancel()
	h.mu.Lock()
	total := len(h.sessions)
	h.mu.Unlock()
	h.cfg.Logger.Info("hub shutting down", "sessions", total)

	soft, cancel := h.softDeadline(ctx)
	defer cancel()
	h.drainSessions(soft)
	cutOff := 0
	select {
	case <-h.gate.idle.Done():
	case <-soft.Done():
		cutOff = h.closeAll()
		h.join(ctx)
	}
	h.endErr = h.releaseAll(ctx, total, cutOff, time.Since(began))
	return h.endErr
}

// Close ends the hub without ceremony: connections are closed at once. The error
// says what did not end.
func (h *Hub) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := h.Shutdown(ctx); errors.Is(err, errLeft) {
		return err
	}
	return nil
}

// softDeadline is when patience ends: cutMargin before the deadline of ctx.
func (h *Hub) softDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		return context.WithDeadline(ctx, deadline.Add(-min(cutMargin, left/4)))
	}
	return context.WithCancel(ctx)
}

// join waits for what closeAll has cut off: until the deadline of ctx, or, where
// it has none and was cancelled, for joinTimeout.
func (h *Hub) join(ctx context.Context) {
	wait := joinTimeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = time.Until(deadline)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-h.gate.idle.Done():
	case <-timer.C:
	}
}

// tell closes all sessions with ReasonShutdown, paced.
func (h *Hub) drainSessions(ctx context.Context) {
	h.mu.Lock()
	list := make([]*session, 0, len(h.sessions))
	for s := range h.sessions {
		if s.running {
			list = append(list, s)
		}
	}
	h.mu.Unlock()
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })

	window := min(h.cfg.DrainWindow, time.Duration(len(list))*drainStep)
	if deadline, ok := ctx.Deadline(); ok {
		window = min(window, time.Until(deadline)/2)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for told, began := 0, time.Now(); told < len(list); {
		due := len(list)
		if elapsed := time.Since(began); elapsed < window {
			due = int(float64(due) * float64(elapsed) / float64(window))
		}
		for told < due && ctx.Err() == nil {
			// Few at a time: the time of an ending session runs before its close
			// frame is written, which happens with the commit.
			h.do(func(b *batch) {
				for range min(drainBatch, due-told) {
					h.beginClose(list[told], wire.ReasonShutdown, b)
					list[told] = nil
					told++
				}
			})
		}
		if told == len(list) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// closeAll closes every connection and returns how many those were.
func (h *Hub) closeAll() int {
	h.mu.Lock()
	h.closing = true
	var conns []*transport
	for s := range h.sessions {
		conns = append(conns, s.conn)
	}
	h.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
	return len(conns)
}

// errLeft marks the error of a Shutdown after which something of the hub is left.
var errLeft = errors.New("not all has ended")

// release lets go of what is the hub's own, says what is left, and judges the end.
func (h *Hub) releaseAll(ctx context.Context, total, cutOff int, took time.Duration) error {
	h.emit(Event{Name: EventStopped})
	h.mu.Lock()
	h.released = true
	subscriptions := len(h.subscriptions)
	for s := range h.subscriptions {
		s.cancel()
	}
	clear(h.subscriptions)
	if len(h.sessions) == 0 {
		h.remakeMaps()
	}
	h.mu.Unlock()
	st := h.Stats()
	h.cfg.Logger.Info("hub stopped",
		"released_sessions", total-st.Sessions, "released_subscriptions", subscriptions, "cut_off", cutOff, "took", took.Round(time.Millisecond).String(),
		"remaining_sessions", st.Sessions, "remaining_peers", st.Peers, "remaining_networks", st.Networks,
		"remaining_subscriptions", st.Subscriptions, "remaining_goroutines", st.Goroutines, "remaining_queue_bytes", st.QueuedBytes)
	switch {
	case st.Sessions > 0 || st.Goroutines > 0:
		return fmt.Errorf("hub: shutdown: %w: %d sessions, %d goroutines: %w", errLeft, st.Sessions, st.Goroutines, cause(ctx))
	case cutOff > 0:
		return fmt.Errorf("hub: shutdown: %d connections had to be cut: %w", cutOff, cause(ctx))
	}
	return nil
}

func cause(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return context.DeadlineExceeded
}
