package loadgen

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// Peers connect from all addresses, in turn.
func TestSources(t *testing.T) {
	t.Parallel()
	if !preflight.IsOurs(netip.MustParseAddr("127.0.0.2")) {
		t.Skip("this system has only one loopback address")
	}
	h := &toyHub{}
	f := newFleet(h.start(t), codec.PeerPigeon{})
	f.from.addresses = preflight.LoopbackSources(3)
	defer f.closeAll(0)
	var seen []string
	for i := range 6 {
		now := time.Now()
		p, err := f.dial(t.Context(), schedule.PeerID(1, uint64(i)), schedule.At(now))
		if err != nil {
			t.Fatal(err)
		}
		host, _, _ := strings.Cut(p.sock.ws.LocalAddr().String(), ":")
		seen = append(seen, host)
	}
	if want := []string{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.2", "127.0.0.3"}; !slices.Equal(seen, want) {
		t.Errorf("connected from %v, want %v", seen, want)
	}
}
