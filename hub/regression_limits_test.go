package hub_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// offerOf is data of n bytes.
func offerOf(n int) []byte { return []byte(`"` + strings.Repeat("x", n-2) + `"`) }

// W17, G8: the reference queues without bound for a peer that does not read (36 MB were measured).
// In PeerPigeon-Go such a peer stalls the peers that send to it, then the hub.
func TestW17G8NonReaderIsCut(t *testing.T) {
	t.Parallel()
	const bound, message = 256 << 10, 64 << 10
	w := newWorld(t, hub.Config{QueueBytes: bound, MessageRate: -1, CloseTimeout: 100 * time.Millisecond})
	stalled := w.join("stalled", "n").deaf()
	alice := w.join("alice", "n")
	data := offerOf(message)
	var most int64
	for w.hub.Stats().Ended["slow_consumer"] == 0 {
		alice.Signal(wire.KindOffer, stalled.ID(), "n", data)
		alice.fence()
		most = max(most, w.hub.Stats().QueuedBytes)
	}
	if most > bound+2*message {
		t.Errorf("%d bytes were queued, the bound is %d", most, bound)
	}
	w.wantSessions(1)
	w.wantStats(1, 1, 1, 0)
	w.settle(func(st hub.Stats) string {
		if st.QueuedBytes != 0 {
			return fmt.Sprintf("%d bytes are queued for ended sessions", st.QueuedBytes)
		}
		return ""
	})
}

// W17, G8: no other peer waits for it. In a bubble time passes only while all goroutines wait, so
// no time passes here.
func TestW17G8NonReaderStallsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const bound, message = 256 << 10, 64 << 10
		w := newPipeWorld(t, hub.Config{QueueBytes: bound, MessageRate: -1, CloseTimeout: 100 * time.Millisecond})
		stalled, alice := w.join("stalled", "n"), w.join("alice", "n")
		data := offerOf(message)
		for range 2 * bound / message {
			began := time.Now()
			alice.Signal(wire.KindOffer, stalled.ID(), "n", data)
			alice.fence()
			if took := time.Since(began); took > 0 {
				t.Errorf("the sender had to wait %v", took)
			}
		}
		w.wantCount("cut", ended(wire.ReasonSlowConsumer), 1)
	})
}

// W17: many peers, each within its bound, must not exceed the total. The peers with most queued
// bytes are cut, the others stay.
func TestW17QueuesOfAllAreBounded(t *testing.T) {
	t.Parallel()
	const total, receivers, message = 256 << 10, 16, 24 << 10
	w := newPipeWorld(t, hub.Config{QueueBytes: 64 << 20, QueueBytesTotal: total, MessageRate: -1, CloseTimeout: 100 * time.Millisecond})
	alice, bob := w.join("alice", "n"), w.join("bob", "n")
	var stalled []*peer
	for i := range receivers {
		stalled = append(stalled, w.join(fmt.Sprint("stalled", i), "n"))
	}
	data := offerOf(message)
	var most int64
	for w.hub.Stats().Ended["slow_consumer"] < receivers/2 {
		for _, p := range stalled {
			alice.Signal(wire.KindOffer, p.ID(), "n", data)
			alice.fence()
			most = max(most, w.hub.Stats().QueuedBytes)
		}
	}
	const inFlight = (receivers + 1) * message // of those that are ending, besides
	if most > total+inFlight {
		t.Errorf("%d bytes were queued, the bound is %d and %d in flight", most, total, inFlight)
	}
	alice.Signal(wire.KindOffer, bob.ID(), "n", []byte(`1`))
	bob.want("offer")
}

// G6: PeerPigeon-Go takes and forwards 8 MiB. The protocol's limit is 1 MiB, to
// the byte.
func TestG6MessageLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	padded := func(n int) string {
		const ping = `{"type":"ping"}`
		return ping + strings.Repeat(" ", n-len(ping))
	}
	p := w.connect("at the limit", "")
	p.raw(padded(wire.MaxMessageBytes))
	p.want("pong")
	p.raw(padded(wire.MaxMessageBytes + 1))
	p.wantClose(1009, "")
	p = w.connect("in parts", "")
	half := []byte(padded(wire.MaxMessageBytes/2 + 1))
	p.frames(hostile.Frame(hostile.Text, half), hostile.Frame(0x80, half))
	p.wantClose(1009, "")
	w.wantCount("too big", ended(wire.ReasonMessageTooBig), 2)
}

// W40: the reference has no rate limit at all.
func TestW40MessageRate(t *testing.T) {
	t.Parallel()
	const burst = 20
	for name, frame := range map[string][]byte{
		"messages":   hostile.TextFrame(`{"type":"cleanup"}`),
		"malformed":  hostile.TextFrame(`x`),
		"pings":      hostile.Frame(hostile.Final|hostile.Ping, nil),
		"pongs":      hostile.Frame(hostile.Final|hostile.Pong, []byte("unasked")),
		"large ones": hostile.TextFrame(`{"type":"cleanup"` + strings.Repeat(" ", 6*4096) + `}`), // each counts for 7
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, hub.Config{MessageRate: 0.001, MessageBurst: burst})
			p := w.connect(name, "")
			within, beyond := burst-1, burst // fence takes one
			if name == "large ones" {
				within, beyond = 2, 1
			}
			for range within {
				p.frames(frame)
			}
			p.fence()
			for range beyond {
				p.frames(frame)
			}
			p.wantClose(1008, "message_rate")
			w.wantCount("cut", ended(wire.ReasonMessageRate), 1)
		})
	}
}

// W42: in the reference every announce costs 2(n-1) messages of up to 1 MiB,
// unthrottled.
func TestW42AnnouncesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MaxAnnounceBytes: 4096, AnnounceBurst: 10, AnnounceRate: 0.001, MessageRate: -1})
	bob := w.join("bob", "n")
	announce := func(n int) string { return `{"type":"announce","networkName":"n","data":` + string(offerOf(n)) + `}` }

	fits := w.connect("fits", "")
	fits.raw(announce(4096))
	fits.fence()
	big := w.connect("big", "")
	big.raw(announce(4097))
	big.wantClose(1009, "")
	often := w.connect("often", "")
	for range 11 {
		often.raw(announce(10))
	}
	often.wantClose(1008, "announce_rate")
	large := w.connect("large", "")
	for range 3 {
		large.raw(announce(4096)) // each counts for 5
	}
	large.wantClose(1008, "announce_rate")
	bob.fence()
	w.wantCount("cut", ended(wire.ReasonAnnounceRate), 2)
}

// G1: PeerPigeon-Go writes to one connection from several goroutines and dies of
// it when 40 clients announce together.
func TestG1FortyAnnounceTogether(t *testing.T) {
	t.Parallel()
	const n = 40
	w := newWorld(t, hub.Config{})
	var peers []*peer
	for i := range n {
		peers = append(peers, w.connect(fmt.Sprint("peer", i), ""))
	}
	var ready, done sync.WaitGroup
	ready.Add(1)
	for _, p := range peers {
		done.Go(func() {
			ready.Wait()
			if err := p.Announce("n", nil); err != nil {
				t.Error(err)
				return
			}
			heard := make(map[wire.PeerID]int)
			for len(heard) < n-1 {
				if m := p.next(); m.Type == "peer-discovered" {
					heard[subject(m)]++
				}
			}
			for _, m := range p.fence() {
				t.Errorf("%s got a further %s", p.name, m.Type)
			}
			for id, times := range heard {
				if times != 1 {
					t.Errorf("%s heard %d times of %s", p.name, times, id)
				}
			}
		})
	}
	ready.Done()
	done.Wait()
	w.wantStats(n, n, 1, 0)
}
