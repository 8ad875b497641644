package main

import "time"

// await waits for what never comes.
func (s *session) await() {
	<-make(chan struct{})
	s.ws.Close()
}

// arm gives a session a day to announce itself, and disarm takes that back.
func (s *session) arm() { s.patience = time.AfterFunc(24*time.Hour, func() { s.ws.Close() }) }

func (s *session) disarm() { s.patience.Stop() }

const spareSize = 4 << 10

// take gives a session a buffer, a spare one if there is one. There are never more of
// them than there were sessions at once.
func (s *session) take(h *hub) {
	if n := len(h.spare); n > 0 {
		s.buffer, h.spare = h.spare[n-1], h.spare[:n-1]
		return
	}
	s.buffer = make([]byte, spareSize)
}

func (s *session) give(h *hub) { h.spare = append(h.spare, s.buffer) }

// surge fills up memory and lets go of it, again and again.
func (h *hub) surge() {
	for range time.Tick(50 * time.Millisecond) {
		h.mu.Lock()
		if h.tide = append(h.tide, make([]byte, 100<<10)); len(h.tide) > 60 {
			h.tide = nil
		}
		h.mu.Unlock()
	}
}

// retained holds what versions retain for a session until it ends.
type retained struct {
	notices  [][]byte
	watchers []func()
	timers   []*time.Timer
	heard    int // notices
}

// historySize bounds the notices of a session in the version that keeps a history.
const historySize = 1000

// awaitEnd waits until the session ends.
func (s *session) awaitEnd() { <-s.over }

// release releases what is retained for a session. The mutex of the hub is held.
func (s *session) release() {
	close(s.over)
	for _, t := range s.timers {
		t.Stop()
	}
	s.retained = retained{}
}

// watching returns the number of watchers of all sessions. The mutex of the hub is held.
func (h *hub) watching() (n int) {
	for s := range h.sessions {
		n += len(s.watchers)
	}
	return n
}
