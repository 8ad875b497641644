package hub

import (
	"fmt"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// BenchmarkCheckInvariants: how long a check holds the hub's lock with 10,000 peers in networks
// of ten.
func BenchmarkCheckInvariants(b *testing.B) {
	h, err := New(Config{Memory: MemoryConfig{Interval: -1}})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 10_000 {
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
		h.announced.Add(int64(s.notice.bytes()))
		h.sessions[s], h.peers[s.id] = struct{}{}, s
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := h.CheckInvariants(); err != nil {
			b.Fatal(err)
		}
	}
}
