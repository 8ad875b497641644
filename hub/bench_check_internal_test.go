package hub

import "testing"

// BenchmarkCheckInvariants: how long a check holds the hub's lock with 10,000 peers in networks
// of ten.
func BenchmarkCheckInvariants(b *testing.B) {
	h := manyPeers(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if err := h.CheckInvariants(); err != nil {
			b.Fatal(err)
		}
	}
}
