package preflight

import (
	"net/netip"
	"strings"
	"testing"
)

// enough is a machine that suffices for plenty, by its limits.
var enough = Limits{Descriptors: 20_000, Ports: 28_232, Conntrack: 200_000, Memory: 8 << 30}

func TestPreflight(t *testing.T) {
	t.Parallel()
	plenty := Need{Peers: 15_000, Sources: 1, Workers: 1}
	for _, tt := range []struct {
		name   string
		change func(*Limits, *Need)
		about  string // what is advised on, nothing for none
		do     string // what the advice has in it
	}{
		{"suffices", func(*Limits, *Need) {}, "", ""},
		{"descriptors to the last", func(l *Limits, n *Need) { n.Peers = l.Descriptors - ownDescriptors }, "", ""},
		{"one descriptor too few", func(l *Limits, n *Need) { n.Peers = l.Descriptors - ownDescriptors + 1 }, "descriptors", "--workers 2"},
		{"two workers halve it", func(l *Limits, n *Need) { n.Peers, n.Workers, n.Sources = 39_488, 2, 2 }, "", ""},
		{"60,000 peers", func(l *Limits, n *Need) { n.Peers, n.Sources = 60_000, 3 }, "descriptors", "--workers 4"},
		{"a limit that leaves nothing", func(l *Limits, n *Need) { l.Descriptors = 100 }, "descriptors", "ulimit -n 15256"},
		{"ports", func(l *Limits, n *Need) { l.Ports = 1000 }, "ports", "--source with 17 addresses"},
		{"ports of connections that have ended", func(l *Limits, n *Need) { n.Closing = 12_000 }, "ports", "--source with 2 addresses"},
		{"addresses multiply ports", func(l *Limits, n *Need) { l.Ports, n.Sources = 1000, 17 }, "", ""},
		{"conntrack", func(l *Limits, n *Need) { l.Conntrack = 14_999 }, "conntrack", "nf_conntrack_max"},
		{"memory", func(l *Limits, n *Need) { l.Memory = 256 << 20 }, "memory", "--peers 10240"},
		{"an address of another machine", func(l *Limits, n *Need) { l.Missing = []netip.Addr{netip.MustParseAddr("192.0.2.1")} }, "source addresses", "192.0.2.1"},
		{"nothing is known", func(l *Limits, n *Need) { *l = Limits{} }, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, n := enough, plenty
			tt.change(&l, &n)
			list := Check(l, n)
			if tt.about == "" {
				if len(list) > 0 {
					t.Errorf("advice %+v", list)
				}
				return
			}
			if len(list) != 1 || list[0].About != tt.about || !strings.Contains(list[0].Do, tt.do) || tt.about != "source addresses" && list[0].Need <= list[0].Have {
				t.Errorf("got %+v, want one about %s that says %q", list, tt.about, tt.do)
			}
		})
	}
}

// What is advised suffices: followed, the same check passes.
func TestPreflightAdviceSuffices(t *testing.T) {
	t.Parallel()
	for _, peers := range []int64{1, 19_744, 19_745, 60_000, 250_000, 1_000_000} {
		l := Limits{Descriptors: 20_000, Ports: 28_232}
		n := Need{Peers: peers, Closing: peers / 3, Sources: 1, Workers: 1}
		n.Sources, n.Workers = int64(SourcesFor(l, n)), int64(WorkersFor(l, peers))
		if list := Check(l, n); len(list) > 0 {
			t.Errorf("%d peers: %+v", peers, list)
		}
		if n.Workers > 1 {
			n.Workers--
			if len(Check(l, n)) == 0 {
				t.Errorf("%d peers: fewer than %d workers suffice, too", peers, n.Workers+1)
			}
		}
	}
}

// A run that takes as many peers as there may be gets them, and no more.
func TestMostPeers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		limits  Limits
		need    Need
		sources int
		want    int64
	}{
		{"nothing is known", Limits{}, Need{Peers: 20_000}, 0, 20_000},
		{"descriptors", Limits{Descriptors: 1024}, Need{Peers: 20_000}, 0, 1024 - ownDescriptors},
		{"no descriptors", Limits{Descriptors: 64}, Need{Peers: 20_000}, 0, 0},
		{"memory", Limits{Memory: ownBytes + 100*peerBytes}, Need{Peers: 20_000}, 0, 100},
		{"ports", Limits{Ports: 1000}, Need{Peers: 20_000}, 0, 900},
		{"ports that are held", Limits{Ports: 1000}, Need{Peers: 20_000, Closing: 20_000}, 0, 450},
		{"ports of two addresses", Limits{Ports: 1000}, Need{Peers: 20_000}, 2, 1800},
		{"loopback has further addresses", Limits{Ports: 1000}, Need{Peers: 20_000, Loopback: true}, 0, 20_000},
	} {
		if got := MostPeers(tt.limits, tt.need, tt.sources); got != tt.want {
			t.Errorf("%s: %d peers, want %d", tt.name, got, tt.want)
		}
	}
}
