package loadgen

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

const (
	ann = wire.PeerID("aa00000000000000000000000000000000000000")
	bob = wire.PeerID("bb00000000000000000000000000000000000000")
	eve = wire.PeerID("ee00000000000000000000000000000000000000")
)

// sendAll has ann send n messages to bob, and returns the number of their flow.
func sendAll(l *Ledger, n int) (flow uint64) {
	for range n {
		flow, _ = l.Send(ann, bob, "n")
	}
	return flow
}

func TestLedger(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(*Ledger)
		want Deliveries
	}{
		{"in order", func(l *Ledger) {
			f := sendAll(l, 3)
			for i := range uint64(3) {
				l.Deliver(f, i+1, ann, bob, "n")
			}
		}, Deliveries{Sent: 3, Delivered: 3}},
		{"one lost", func(l *Ledger) {
			f := sendAll(l, 3)
			l.Deliver(f, 1, ann, bob, "n")
			l.Deliver(f, 3, ann, bob, "n")
		}, Deliveries{Sent: 3, Delivered: 2, Lost: 1}},
		{"out of order and twice", func(l *Ledger) {
			f := sendAll(l, 3)
			for _, s := range []uint64{2, 1, 3, 1} {
				l.Deliver(f, s, ann, bob, "n")
			}
		}, Deliveries{Sent: 3, Delivered: 3, Reordered: 1, Duplicated: 1}},
		{"to another peer", func(l *Ledger) { l.Deliver(sendAll(l, 1), 1, ann, eve, "n") }, Deliveries{Sent: 1, Misrouted: 1, Lost: 1}},
		{"in another's name", func(l *Ledger) { l.Deliver(sendAll(l, 1), 1, eve, bob, "n") }, Deliveries{Sent: 1, Misrouted: 1, Lost: 1}},
		{"in another network", func(l *Ledger) { l.Deliver(sendAll(l, 1), 1, ann, bob, "m") }, Deliveries{Sent: 1, Misrouted: 1, Lost: 1}},
		{"never sent", func(l *Ledger) {
			l.Deliver(0, 0, eve, bob, "n")
			l.Deliver(9, 1, eve, bob, "n")
			l.Deliver(sendAll(l, 1), 2, ann, bob, "n")
		}, Deliveries{Sent: 1, Unexpected: 3, Lost: 1}},
		{"the target left", func(l *Ledger) { sendAll(l, 2); l.Left(bob) }, Deliveries{Sent: 2, Explained: 2}},
		{"the sender left, and one arrives all the same", func(l *Ledger) {
			f := sendAll(l, 2)
			l.Left(ann)
			l.Deliver(f, 1, ann, bob, "n")
		}, Deliveries{Sent: 2, Delivered: 1, Explained: 1}},
		{"could not be sent", func(l *Ledger) { l.Unsent(sendAll(l, 2)) }, Deliveries{Sent: 1, Lost: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := NewLedger()
			tt.do(l)
			l.Settle()
			if got := l.Totals(); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if len(l.flows)+len(l.incoming)+len(l.outgoing) > 0 {
				t.Error("a settled ledger remembers flows")
			}
		})
	}
}

// Whatever happens, nothing is lost from the books, and peers that have left are
// forgotten.
func TestLedgerBalances(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	l, peers := NewLedger(), []wire.PeerID{ann, bob, eve}
	type sent struct {
		flow, sequence uint64
		from, to       wire.PeerID
	}
	var way []sent
	for range 20_000 {
		from, to := peers[rng.IntN(3)], peers[rng.IntN(3)]
		switch i := rng.IntN(10); {
		case i < 5:
			f, s := l.Send(from, to, "n")
			way = append(way, sent{f, s, from, to})
		case i < 9 && len(way) > 0:
			k := rng.IntN(len(way))
			m := way[k]
			way[k] = way[len(way)-1]
			way = way[:len(way)-1]
			l.Deliver(m.flow, m.sequence, m.from, m.to, "n")
		case i == 9 && rng.IntN(20) == 0:
			l.Left(from)
		}
	}
	l.Settle()
	d := l.Totals()
	if d.Sent != d.Delivered+d.Explained+d.Lost || d.Misrouted+d.Unexpected != 0 {
		t.Errorf("the books do not balance: %+v", d)
	}
}

func TestTag(t *testing.T) {
	t.Parallel()
	want := tag{7, 12, 1500, 1600}
	for _, k := range []wire.Kind{wire.KindOffer, wire.KindAnswer, wire.KindICECandidate} {
		data := signalData(k, want)
		if got, ok := parseTag(data); !ok || got != want {
			t.Errorf("%s: got %+v, %v", k, got, ok)
		}
		if ev := (PeerPigeon{}).Decode(PeerPigeon{}.Signal(k, ann, bob, "n", data)); ev.Kind != EventSignal || ev.Signal != k || ev.Network != "n" {
			t.Errorf("%s: decoded as %+v", k, ev)
		}
	}
	if n := len(signalData(wire.KindOffer, want)); n < 1000 || n > 4000 {
		t.Errorf("an offer has %d bytes, not what browsers send", n)
	}
	for _, text := range []string{"", `{"tag":"`, `{"tag":"1.2.3"}`, `{"tag":"1.2.3.x"}`, strings.Repeat("x", 100)} {
		if _, ok := parseTag([]byte(text)); ok {
			t.Errorf("%q was taken for a tag", text)
		}
	}
}
