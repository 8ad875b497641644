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
	// cutMargin is how long before its deadline Shutdown closes the connections that
	// are still open, so that their goroutines end in time.
	cutMargin = 250 * time.Millisecond
	// joinTimeout is how long Shutdown waits for the connections that it has closed
	// if its context was cancelled and has no deadline. It usually takes
	// milliseconds.
	joinTimeout = 10 * time.Second
)

// drainStep is the longest time between two closes of a drain: a few peers that
// reconnect together are no load, so a small hub ends quickly.
const drainStep = 5 * time.Millisecond

// drainBatch is the number of sessions that are closed between two commits.
const drainBatch = 32

// Shutdown ends the hub and returns when nothing of it is left: no goroutine,
// timer, descriptor, map entry or subscription.
//
// It refuses new peers at once. It sends the connected ones a close frame, in random
// order, spread over Config.DrainWindow or half the time until the deadline of ctx,
// whichever is less. It waits for the peers to close, and shortly before the
// deadline it closes the remaining connections itself.
//
// It returns nil if all peers closed. Otherwise the error wraps the one of ctx: it
// says how many connections had to be cut, or what did not end. A further call waits
// for the first and returns its result, or an error if its own ctx ends before.
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
	h.parking.drain()
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

// Close ends the hub and closes all connections at once. The error says what did not
// end.
func (h *Hub) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var left *leftError
	if err := h.Shutdown(ctx); errors.As(err, &left) {
		return err
	}
	return nil
}

// softDeadline returns a context that ends cutMargin before the deadline of ctx.
func (h *Hub) softDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		return context.WithDeadline(ctx, deadline.Add(-min(cutMargin, left/4)))
	}
	return context.WithCancel(ctx)
}

// join waits for the goroutines of the connections that closeAll has closed: until
// the deadline of ctx, or for joinTimeout if it has none.
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

// drainSessions begins the close of all sessions, spread over the drain window.
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

	window := min(h.policy().DrainWindow, time.Duration(len(list))*drainStep)
	if deadline, ok := ctx.Deadline(); ok {
		window = min(window, time.Until(deadline)/2)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for closed, began := 0, time.Now(); closed < len(list); {
		due := len(list)
		if elapsed := time.Since(began); elapsed < window {
			due = int(float64(due) * float64(elapsed) / float64(window))
		}
		for closed < due && ctx.Err() == nil {
			h.do(func(b *batch) {
				for range min(drainBatch, due-closed) {
					h.beginClose(list[closed], wire.ReasonShutdown, b)
					list[closed] = nil
					closed++
				}
			})
		}
		if closed == len(list) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// closeAll closes every connection and returns how many there were.
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

// leftError is the error of a Shutdown that could not end everything.
type leftError struct {
	sessions, goroutines int
	cause                error
}

// Error implements error.
func (e *leftError) Error() string {
	return fmt.Sprintf("hub: shutdown: %d sessions and %d goroutines have not ended: %v", e.sessions, e.goroutines, e.cause)
}

// Unwrap returns the error of the context.
func (e *leftError) Unwrap() error { return e.cause }

// releaseAll releases what belongs to the hub itself, logs what is left, and returns
// the result of Shutdown.
func (h *Hub) releaseAll(ctx context.Context, total, cutOff int, took time.Duration) error {
	h.emit(Event{Name: EventStopped})
	h.flushReports(reportWindow)
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
		"released_sessions", total-st.Sessions, "released_subscriptions", subscriptions, "cut_off", cutOff,
		"took", took.Round(time.Millisecond).String(),
		"remaining_sessions", st.Sessions, "remaining_peers", st.Peers, "remaining_networks", st.Networks,
		"remaining_subscriptions", st.Subscriptions, "remaining_goroutines", st.Goroutines, "remaining_queue_bytes", st.QueuedBytes)
	switch {
	case st.Sessions > 0 || st.Goroutines > 0:
		return &leftError{st.Sessions, st.Goroutines, cause(ctx)}
	case cutOff > 0:
		return fmt.Errorf("hub: shutdown: %d connections had to be cut: %w", cutOff, cause(ctx))
	}
	return nil
}

// cause returns the error of ctx. If the deadline of ctx is close but has not passed
// yet, it returns the error that ctx will have.
func cause(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return context.DeadlineExceeded
}
