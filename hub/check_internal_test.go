package hub

import (
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Every comparison of CheckInvariants must find what it is there to find.
func TestCheckInvariantsFindsEveryDisagreement(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(h *Hub, alice, bob *session)
		want  string
	}{
		{"none", func(*Hub, *session, *session) {}, ""},
		{"peer_without_session", func(h *Hub, a, _ *session) { delete(h.sessions, a) }, "not in sessions"},
		{"registered_not_in_peers", func(h *Hub, a, _ *session) { delete(h.peers, a.id) }, "not the one in peers"},
		{"peer_under_other_id", func(h *Hub, a, b *session) { h.peers[a.id] = b }, "not registered under that id"},
		{"member_not_registered", func(h *Hub, a, _ *session) { a.registered = false; delete(h.peers, a.id) }, "is in a network but not registered"},
		{"network_count", func(h *Hub, a, _ *session) { a.network.live++ }, "live is 3"},
		{"membership_sum", func(h *Hub, _, _ *session) { h.memberships++ }, "memberships is 3"},
		{"empty_network", func(h *Hub, _, _ *session) { h.networks["ghost"] = &network{name: "ghost"} }, `"ghost" is empty`},
		{"network_under_other_name", func(h *Hub, a, _ *session) { a.network.name = "other" }, `has the name "other"`},
		{"wrong_slot", func(h *Hub, a, _ *session) { a.slot = 1 }, "has another network or slot"},
		{"hub_not_registered", func(h *Hub, a, _ *session) { h.hubs[wire.NewPeerID()] = a }, "is not a registered hub"},
		{"hub_missing", func(h *Hub, a, _ *session) { a.isHub = true }, "not the one in hubs"},
		{"refused_count", func(h *Hub, _, _ *session) { h.refused++ }, "refused is 1"},
		{"admitted_count", func(h *Hub, _, _ *session) { h.admitted-- }, "admitted is 1"},
		{"refused_but_registered", func(h *Hub, a, _ *session) { a.refused = true }, "is registered"},
		{"sockets_gauge", func(h *Hub, _, _ *session) { h.sockets.Add(1) }, "sockets is 3"},
		{"queue_gauge", func(h *Hub, _, _ *session) { h.queued.add(-1) }, "queued is -1"},
		{"queue_held", func(h *Hub, a, _ *session) { a.held++; h.queued.add(1) }, "but 1 and 0 are counted"},
		{"piece_not_counted", func(h *Hub, a, _ *session) { a.out = new(pending); a.out.add([]byte("x"), ref{}) }, "of memory and 1 bytes"},
		{"notice_kept", func(h *Hub, a, _ *session) { a.notice = nil }, "a network without a notice"},
		{"announced_gauge", func(h *Hub, _, _ *session) { h.announced.Add(1) }, "announced is"},
		{"stalled_left", func(h *Hub, a, _ *session) { h.stalled.add(a) }, "1 sessions are stalled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, alice, bob := twoMembers(t)
			tt.spoil(h, alice, bob)
			err := h.CheckInvariants()
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("CheckInvariants() = %v, want nil", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("CheckInvariants() = %v, want it to say %q", err, tt.want)
			}
		})
	}
}

func TestCheckInvariantsFindsBytesQueuedForNobody(t *testing.T) {
	t.Parallel()
	h, err := New(Config{Memory: MemoryConfig{Interval: -1}})
	if err != nil {
		t.Fatal(err)
	}
	h.loose.Add(7)
	if err := h.CheckInvariants(); err == nil || !strings.Contains(err.Error(), "7 bytes of notices") {
		t.Errorf("CheckInvariants() = %v, want the bytes", err)
	}
}

// twoMembers returns a hub whose indexes hold two sessions in one network,
// without connections.
func twoMembers(t *testing.T) (h *Hub, alice, bob *session) {
	t.Helper()
	h, err := New(Config{Memory: MemoryConfig{Interval: -1}})
	if err != nil {
		t.Fatal(err)
	}
	enter := func() *session {
		s := &session{hub: h, id: wire.NewPeerID(), registered: true, admitted: true}
		h.sessions[s], h.peers[s.id] = struct{}{}, s
		h.joinLocked(s, "n")
		h.keepNoticeLocked(s, h.newNotice(wire.NewDiscovered(s.id, false, nil, "n")))
		h.admitted++
		h.sockets.Add(1)
		return s
	}
	return h, enter(), enter()
}

func TestNetworkKeepsOrderAndShrinks(t *testing.T) {
	t.Parallel()
	h, err := New(Config{Memory: MemoryConfig{Interval: -1}})
	if err != nil {
		t.Fatal(err)
	}
	var all []*session
	for range 1000 {
		s := &session{hub: h, id: wire.NewPeerID()}
		h.joinLocked(s, "n")
		all = append(all, s)
	}
	n := h.networks["n"]
	b := new(batch)
	for i, s := range all {
		if i%10 != 0 {
			s.queue.gone = true // no connection: nothing can be sent to it
			h.leaveLocked(s, 0, b)
		}
	}
	var kept []*session
	for _, m := range n.members {
		if m != nil {
			kept = append(kept, m)
		}
	}
	for i, m := range kept {
		if m != all[10*i] {
			t.Fatalf("member %d is out of order", i)
		}
	}
	if len(kept) != 100 || n.live != 100 {
		t.Errorf("%d members, live %d, want 100", len(kept), n.live)
	}
	if cap(n.members) > 300 {
		t.Errorf("100 members are kept in room for %d", cap(n.members))
	}
}
