package hub

import (
	"fmt"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// manyPeers returns a hub with n registered peers without a connection, in networks of ten.
func manyPeers(tb testing.TB, n int) *Hub {
	tb.Helper()
	h, err := New(Config{Memory: MemoryConfig{Interval: -1}})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		s := &session{hub: h, id: wire.NewPeerID(), registered: true, admitted: true}
		name := fmt.Sprint("network ", i/10)
		n := h.networks[name]
		if n == nil {
			n = &network{name: name}
			h.networks[name] = n
		}
		s.network, s.notice, s.slot = n, &notice{}, len(n.members)
		n.members = append(n.members, s)
		n.live++
		h.memberships++
		h.admitted++
		h.sockets.Add(1)
		h.announced.Add(s.notice.bytes())
		h.sessions[s], h.peers[s.id] = struct{}{}, s
	}
	return h
}

// A listing has every session and network once, although others come and go meanwhile, and the map
// is replaced.
func TestListingWhileSessionsChange(t *testing.T) {
	t.Parallel()
	const stay = 1000
	h := manyPeers(t, stay)
	seen, i := map[wire.PeerID]int{}, 0
	for s := range h.AllSessions() {
		seen[s.PeerID]++
		h.mu.Lock() // held by no listing at this time
		passing := &session{hub: h}
		h.sessions[passing] = struct{}{}
		if i++; i%2 == 0 {
			delete(h.sessions, passing)
		}
		if i == stay/2 {
			h.remakeMaps()
		}
		h.mu.Unlock()
		if i > 100*stay {
			t.Fatal("the listing does not end")
		}
	}
	delete(seen, "") // those that passed by
	if len(seen) != stay {
		t.Errorf("the listing has %d of %d sessions", len(seen), stay)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s is listed %d times", id, n)
		}
	}
	members := 0
	for n := range h.AllNetworks() {
		members += n.Members
	}
	if members != stay {
		t.Errorf("the networks have %d members, want %d", members, stay)
	}
	for range h.AllSessions() {
		break // a listing that is not read to its end holds no lock
	}
	h.Stats()
}

// A session that has ended is not listed from a map that was replaced.
func TestListingOmitsWhatHasGone(t *testing.T) {
	t.Parallel()
	h := manyPeers(t, 3*listedAtOnce)
	listed := 0
	for range h.AllSessions() {
		if listed++; listed == 1 {
			h.mu.Lock()
			h.sessions = map[*session]struct{}{}
			h.mu.Unlock()
		}
	}
	if listed != listedAtOnce {
		t.Errorf("%d are listed, want the %d that were read before the others had gone", listed, listedAtOnce)
	}
}

// A listing holds the hub's lock for a few sessions at a time, and not while its caller looks at them.
// BenchmarkListing measures how long that is.
func TestListingGivesUpTheLock(t *testing.T) {
	t.Parallel()
	h := manyPeers(t, 1000)
	held, most := 0, 0
	inPieces(h, &h.sessions, func(s *session, _ struct{}) *session {
		held++
		most = max(most, held)
		return s
	}, func(*session) bool {
		held = 0
		if !h.mu.TryLock() {
			t.Fatal("the lock is held")
		}
		h.mu.Unlock()
		return true
	})
	if most != listedAtOnce {
		t.Errorf("%d sessions were read at once, want %d", most, listedAtOnce)
	}
}

// longestHold lists all sessions and networks and returns the longest time between two moments at
// which the lock was free.
func longestHold(h *Hub) (longest time.Duration) {
	last := time.Now()
	note := func() {
		longest = max(longest, time.Since(last)) // the lock is free now
		last = time.Now()
	}
	for range h.AllSessions() {
		note()
	}
	for range h.AllNetworks() {
		note()
	}
	return longest
}

// BenchmarkListing: the time for a listing of 10,000 sessions and 1,000 networks, and the longest that it
// holds the hub's lock.
func BenchmarkListing(b *testing.B) {
	h := manyPeers(b, 10_000)
	b.ReportAllocs()
	held := time.Hour
	for b.Loop() {
		held = min(held, longestHold(h))
	}
	b.ReportMetric(float64(held.Microseconds()), "held-µs")
}
