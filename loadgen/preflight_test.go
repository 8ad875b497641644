package loadgen

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
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
			list := Preflight(l, n)
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
		n.Sources, n.Workers = int64(sourcesFor(l, n)), int64(workersFor(l, peers))
		if list := Preflight(l, n); len(list) > 0 {
			t.Errorf("%d peers: %+v", peers, list)
		}
		if n.Workers > 1 {
			n.Workers--
			if len(Preflight(l, n)) == 0 {
				t.Errorf("%d peers: fewer than %d workers suffice, too", peers, n.Workers+1)
			}
		}
	}
}

func TestNeed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		word           string
		figures        Phase
		url            string
		reuse          bool
		peers, closing int64
	}{
		{"ramp", Phase{Peers: 15_000, Rate: 500}, "ws://192.0.2.1", false, 15_000, 15_000},
		{"ramp", Phase{Peers: 15_000, Rate: 100}, "ws://192.0.2.1", false, 15_000, 6000},
		{"ramp", Phase{Peers: 15_000, Rate: 500}, "ws://127.0.0.1", true, 15_000, 500},
		// of 200 a second, each is there for 500ms + 3s, and 5s more while it closes
		{"churn", Phase{Peers: 1_000_000}, "ws://127.0.0.1", true, 1700 + maxAtOnce, 200},
	} {
		p, err := PlanOf(tt.word)
		if err == nil {
			p, err = p.With(tt.figures)
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := need(p, tt.url, Limits{TimeWaitReuse: tt.reuse}); n.Peers != tt.peers || n.Closing != tt.closing {
			t.Errorf("%s %+v: %d peers and %d closing, want %d and %d", tt.word, tt.figures, n.Peers, n.Closing, tt.peers, tt.closing)
		}
	}
}

func TestParseSources(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want string // the first and the last, and how many; nothing for an error
	}{
		{"192.0.2.7", "192.0.2.7 192.0.2.7 1"},
		{"192.0.2.16/28", "192.0.2.17 192.0.2.30 14"},
		{"192.0.2.99/31", "192.0.2.98 192.0.2.99 2"},
		{"2001:db8::/126", "2001:db8:: 2001:db8::3 4"},
		{"127.0.0.1,192.0.2.0/30", "127.0.0.1 192.0.2.2 3"},
		{"192.0.2", ""}, {"example.org", ""}, {"192.0.2.1/33", ""}, {"10.0.0.0/8", ""}, {"2001:db8::/64", ""},
	} {
		got, err := ParseSources(strings.Split(tt.text, ","))
		if tt.want == "" {
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%s: got %d addresses and %v, want an error that names it", tt.text, len(got), err)
			}
			continue
		}
		if err != nil || fmt.Sprint(got[0], got[len(got)-1], len(got)) != tt.want {
			t.Errorf("%s: got %v and %v, want %s", tt.text, got, err, tt.want)
		}
	}
}

// Peers connect from all addresses, in turn.
func TestSources(t *testing.T) {
	t.Parallel()
	if !isOurs(netip.MustParseAddr("127.0.0.2")) {
		t.Skip("this system has only one loopback address")
	}
	h := &toyHub{}
	f := newFleet(h.start(t), codec.PeerPigeon{})
	f.from.addresses = loopbackSources(3)
	defer f.disperse(0)
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

// A run for which the machine does not suffice does not begin, and says why; it does
// if it is told to.
func TestPreflightOfRun(t *testing.T) {
	t.Parallel()
	p, err := PlanOf("ramp")
	if err == nil {
		p, err = p.With(Phase{Peers: 2, Rate: 100, Duration: time.Millisecond})
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{URL: (&toyHub{}).start(t), Plan: p, Sources: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	var failed *PreflightError
	if _, err := Run(t.Context(), cfg); !errors.As(err, &failed) || len(failed.List) != 1 || !strings.Contains(err.Error(), "ip address add 192.0.2.1") {
		t.Errorf("got %v, want a preflight error about 192.0.2.1", err)
	}
	cfg.IgnorePreflight = true
	if _, err := Run(t.Context(), cfg); err == nil || errors.As(err, &failed) || !strings.Contains(err.Error(), "no peer can connect") {
		t.Errorf("got %v, want an error from connecting", err)
	}
}
