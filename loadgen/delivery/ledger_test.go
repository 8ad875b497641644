package delivery

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// sendAll has ann send n messages to bob, and returns the number of their flow.
func sendAll(l *Ledger, n int) (flow uint64) {
	for range n {
		flow, _ = l.Send(ann, bob, "n")
	}
	return flow
}

// ledgerTests are what may happen to the messages of one flow.
var ledgerTests = []struct {
	name string
	do   func(*Ledger)
	want Counts
}{

	{"in order", func(l *Ledger) {
		f := sendAll(l, 3)
		for i := range uint64(3) {
			l.Deliver(f, i+1, ann, bob, "n")
		}
	}, Counts{Sent: 3, Delivered: 3}},
	{"one lost", func(l *Ledger) {
		f := sendAll(l, 3)
		l.Deliver(f, 1, ann, bob, "n")
		l.Deliver(f, 3, ann, bob, "n")
	}, Counts{Sent: 3, Delivered: 2, Lost: 1}},
	{"out of order and twice", func(l *Ledger) {
		f := sendAll(l, 3)
		for _, s := range []uint64{2, 1, 3, 1} {
			l.Deliver(f, s, ann, bob, "n")
		}
	}, Counts{Sent: 3, Delivered: 3, Reordered: 1, Duplicated: 1}},
	{"to another peer", func(l *Ledger) { l.Deliver(sendAll(l, 1), 1, ann, eve, "n") }, Counts{Sent: 1, Misrouted: 1, Lost: 1}},
	{"in another's name", func(l *Ledger) { l.Deliver(sendAll(l, 1), 1, eve, bob, "n") }, Counts{Sent: 1, Misrouted: 1, Lost: 1}},
	{"in another network", func(l *Ledger) { l.Deliver(sendAll(l, 1), 1, ann, bob, "m") }, Counts{Sent: 1, Misrouted: 1, Lost: 1}},
	{"never sent", func(l *Ledger) {
		l.Deliver(0, 0, eve, bob, "n")
		l.Deliver(9, 1, eve, bob, "n")
		l.Deliver(sendAll(l, 1), 2, ann, bob, "n")
	}, Counts{Sent: 1, Unexpected: 3, Lost: 1}},
	{"the target left", func(l *Ledger) { sendAll(l, 2); l.Left(bob) }, Counts{Sent: 2, Explained: 2}},
	{"the sender left, and one arrives all the same", func(l *Ledger) {
		f := sendAll(l, 2)
		l.Left(ann)
		l.Deliver(f, 1, ann, bob, "n")
	}, Counts{Sent: 2, Delivered: 1, Explained: 1}},
	{"could not be sent", func(l *Ledger) { l.Unsent(sendAll(l, 2)) }, Counts{Sent: 1, Lost: 1}},
	{"could not be sent, and arrived", func(l *Ledger) {
		f := sendAll(l, 2)
		l.Deliver(f, 2, ann, bob, "n")
		l.Unsent(f)
	}, Counts{Sent: 2, Delivered: 1, Lost: 1}},
	{"could not be sent, after the end", func(l *Ledger) {
		f := sendAll(l, 2)
		l.Settle()
		l.Unsent(f)
	}, Counts{Sent: 1, Lost: 1}},
	{"the target left, and another peer gets it", func(l *Ledger) {
		f := sendAll(l, 1)
		l.Left(bob)
		l.Deliver(f, 1, ann, eve, "n")
	}, Counts{Sent: 1, Explained: 1, Misrouted: 1}},
	{"the sender left, and it comes in another network", func(l *Ledger) {
		f := sendAll(l, 1)
		l.Left(ann)
		l.Deliver(f, 1, ann, bob, "m")
	}, Counts{Sent: 1, Explained: 1, Misrouted: 1}},
	{"the sender left, and they come late, in disorder and twice", func(l *Ledger) {
		f := sendAll(l, 3)
		l.Left(ann)
		for _, s := range []uint64{2, 1, 2, 1, 4} {
			l.Deliver(f, s, ann, bob, "n")
		}
	}, Counts{Sent: 3, Delivered: 2, Explained: 1, Duplicated: 2, Reordered: 1, Unexpected: 1}},
	{"the receiver left before", func(l *Ledger) { l.Left(bob); sendAll(l, 2) }, Counts{Sent: 2, Explained: 2}},
	{"the receiver has come back", func(l *Ledger) { l.Left(bob); l.Came(bob); sendAll(l, 2) }, Counts{Sent: 2, Lost: 2}},
	{"under way for too long when the sender leaves", func(l *Ledger) {
		sendAll(l, 3)
		time.Sleep(Patience)
		sendAll(l, 2)
		l.Left(ann)
	}, Counts{Sent: 5, Lost: 3, Explained: 2}},
	{"one of many is late", func(l *Ledger) {
		f := sendAll(l, 3)
		l.Deliver(f, 2, ann, bob, "n")
		time.Sleep(2 * Patience)
		l.Left(ann)
	}, Counts{Sent: 3, Delivered: 1, Lost: 2}},
	{"a copy comes after the end", func(l *Ledger) {
		f := sendAll(l, 1)
		l.Deliver(f, 1, ann, bob, "n")
		l.Left(ann)
		l.Deliver(f, 1, ann, bob, "n")
	}, Counts{Sent: 1, Delivered: 1, Duplicated: 1}},
	{"what was lost comes after all", func(l *Ledger) {
		f := sendAll(l, 2)
		l.Settle()
		l.Deliver(f, 1, ann, bob, "n")
	}, Counts{Sent: 2, Delivered: 1, Lost: 1}},
}

func TestLedger(t *testing.T) {
	t.Parallel()
	for _, tt := range ledgerTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
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
		})
	}
}

// In forgotten flows the ledger cannot distinguish messages from copies, but it counts no more
// deliveries than messages sent.
func TestLedgerForgets(t *testing.T) {
	t.Parallel()
	l := NewLedger()
	l.closed.most = 2
	var flows []uint64
	for range 4 {
		flows = append(flows, sendAll(l, 1))
		l.Left(ann)
	}
	for range 3 { // of the two that are forgotten
		l.Deliver(flows[0], 1, ann, bob, "n")
	}
	l.Unsent(flows[1]) // and nothing is left of it
	if got, want := l.Totals(), (Counts{Sent: 4, Delivered: 2, Explained: 2, Duplicated: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(l.closed.flows) != 2 || len(l.closed.order) != 2 {
		t.Errorf("%d closed flows are remembered, want 2", len(l.closed.flows))
	}
}

// Whatever happens, the counts of the ledger balance.
func TestLedgerBalances(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	ops := make([]byte, 20_000)
	for i := range ops {
		ops[i] = byte(rng.Uint32())
	}
	newLedgerModel(maxClosed).play(t, ops)
	newLedgerModel(3).play(t, ops)
}

func FuzzLedger(f *testing.F) {
	f.Add([]byte{0, 3, 6, 3, 3, 5, 7}, false)
	f.Add([]byte{8, 16, 14, 1, 2, 4, 15, 3, 23, 11}, true)
	f.Fuzz(func(t *testing.T, ops []byte, forgets bool) {
		most := maxClosed
		if forgets {
			most = 1
		}
		newLedgerModel(most).play(t, ops[:min(len(ops), 1000)])
	})
}

// ledgerModel is a ledger, and each message in it by itself.
type ledgerModel struct {
	*Ledger
	sent  []*modelMessage
	want  Counts // without what was reordered
	exact bool   // no flow is forgotten
}

type modelMessage struct {
	flow, sequence uint64
	from, to       wire.PeerID
	entered        *int64 // in what was wanted; nil: under way
}

func newLedgerModel(most int) *ledgerModel {
	m := &ledgerModel{Ledger: NewLedger(), exact: most == maxClosed}
	m.closed.most = most
	return m
}

// play runs the operations of the bytes, and fails the test if the counts are wrong.
func (m *ledgerModel) play(t *testing.T, ops []byte) {
	t.Helper()
	peers := []wire.PeerID{ann, bob, eve}
	for i, op := range ops {
		from, to := peers[op>>3%3], peers[op>>5%3]
		switch op % 8 {
		case 0, 1, 2:
			m.send(from, to)
		case 3, 4:
			m.arrive(int(op>>3), "n")
		case 5:
			m.arrive(int(op>>3), "another")
		case 6:
			m.leave(from)
		case 7:
			m.fail(from, to, op>>7 == 1)
		}
		if op == 255 {
			m.settle()
		}
		if !m.isRight() {
			t.Fatalf("after operation %d, %d: got %+v, %d under way, want %+v", i, op, m.totals, m.UnderWay(), m.want)
		}
	}
}

func (m *ledgerModel) send(from, to wire.PeerID) *modelMessage {
	s := &modelMessage{from: from, to: to}
	s.flow, s.sequence = m.Send(from, to, "n")
	m.sent = append(m.sent, s)
	m.want.Sent++
	return s
}

// arrive has one of the last messages arrive, for the first time or not. With more than
// 63 behind it a ledger takes it for a copy.
func (m *ledgerModel) arrive(back int, network string) {
	if back >= len(m.sent) {
		return
	}
	s := m.sent[len(m.sent)-1-back]
	m.Deliver(s.flow, s.sequence, s.from, s.to, network)
	switch {
	case network != "n":
		m.want.Misrouted++
	case s.entered == &m.want.Delivered:
		m.want.Duplicated++
	default:
		m.enter(s, &m.want.Delivered)
	}
}

func (m *ledgerModel) enter(s *modelMessage, as *int64) {
	if s.entered != nil {
		*s.entered--
	}
	s.entered = as
	*as++
}

func (m *ledgerModel) leave(id wire.PeerID) {
	m.Left(id)
	m.Came(id)
	for _, s := range m.sent {
		if s.entered == nil && (s.from == id || s.to == id) {
			m.enter(s, &m.want.Explained)
		}
	}
}

func (m *ledgerModel) settle() {
	m.Settle()
	for _, s := range m.sent {
		if s.entered == nil {
			m.enter(s, &m.want.Lost)
		}
	}
}

// fail has a message not be sent, as its sender believes, maybe after that has left.
func (m *ledgerModel) fail(from, to wire.PeerID, left bool) {
	s := m.send(from, to)
	if left {
		m.leave(from)
	}
	m.Unsent(s.flow)
	if s.entered != nil {
		*s.entered--
	}
	m.want.Sent--
	m.sent = m.sent[:len(m.sent)-1]
}

// isRight reports whether the counts balance, and are those of the model.
func (m *ledgerModel) isRight() bool {
	d := m.totals
	balanced := d.Sent == d.Delivered+d.Explained+d.Lost+m.UnderWay() && min(d.Sent, d.Delivered, d.Explained, d.Lost, m.UnderWay()) >= 0
	d.Reordered = 0
	return balanced && (d == m.want || !m.exact)
}
