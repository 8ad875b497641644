package hub_test

import (
	"bytes"
	"fmt"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// unhurried disables the message rate and lengthens the write timeout, so that the bound on queued
// bytes cuts a peer that does not read.
func unhurried(c *hub.Config) { c.MessageRate, c.WriteTimeout = -1, 30*time.Second }

// Abuses of the protocol's messages.
var messageAbuses = []abuse{
	{
		name: "hostile_messages", counted: ended(wire.ReasonInvalidUTF8), times: uint64(len(hostile.Against(hostile.Messages()))),
		attack: func(w *world) { w.send(hostile.Messages()) },
	},
	{
		name: "message_flood", counted: ended(wire.ReasonMessageRate), times: 4,
		attack: func(w *world) {
			floods := []string{`{"type":"ping"}`, `{"type":"nonsense"}`, `x`, `{"type":"offer","targetPeerId":"` + string(digits("0")) + `"}`}
			together(4, func(i int) {
				w.join("flood", "loud").flood(bytes.Repeat(hostile.TextFrame(floods[i%len(floods)]), 50))
			})
		},
	},
	{
		name: "announce_flood", counted: ended(wire.ReasonAnnounceRate), times: 4,
		attack: func(w *world) {
			together(4, func(i int) {
				w.join("flood", "loud").flood(bytes.Repeat(hostile.TextFrame(`{"type":"announce","networkName":"loud"}`), 50))
			})
		},
	},
	{
		name: "W17_flooded_non_reader", counted: ended(wire.ReasonSlowConsumer), times: 1,
		limits: unhurried,
		attack: func(w *world) {
			stalled := w.join("stalled", "loud").deaf()
			sender := w.join("sender", "loud")
			deadline := time.Now().Add(time.Minute)
			for w.hub.Stats().Ended["slow_consumer"] == 0 {
				if time.Now().After(deadline) {
					w.Fatalf("not cut: %+v", w.hub.Stats())
				}
				if err := sender.Signal(wire.KindOffer, stalled.ID(), "loud", offerOf(128<<10)); err != nil {
					w.Fatal(err)
				}
				sender.fence()
			}
			stalled.Close()
			sender.Close()
		},
	},
	{
		name: "sender_that_does_not_read", counted: ended(wire.ReasonSlowConsumer), times: 1,
		limits: unhurried,
		attack: func(w *world) {
			p := w.join("deaf", "loud")
			long := hostile.TextFrame(`{"type":"offer","networkName":"loud","targetPeerId":"` + string(p.ID()) + `","data":` + string(offerOf(32<<10)) + `}`)
			for p.frames(long) == nil {
			}
			p.Close()
		},
	},
}

// Abuses by number.
var crowdAbuses = []abuse{
	{
		name: "G1_forty_announce_together", counted: ended(wire.ReasonGoodbye), times: 120,
		attack: func(w *world) {
			for range 3 {
				peers := make([]*peer, 40)
				together(len(peers), func(i int) { peers[i] = w.connect(fmt.Sprint("peer", i), "") })
				together(len(peers), func(i int) {
					peers[i].Announce("herd", nil)
					peers[i].fence()
				})
				together(len(peers), func(i int) {
					peers[i].raw(`{"type":"goodbye"}`)
					peers[i].wantClose(1000, "goodbye")
				})
				w.wantSessions(2)
			}
		},
	},
	{
		name: "announce_with_1_MiB_into_a_network_of_200", counted: ended(wire.ReasonMessageTooBig), times: 4,
		attack: func(w *world) {
			members := crowd(w, 200)
			text := `{"type":"announce","networkName":"crowd","data":` + string(offerOf(1<<20-100)) + `}`
			for range 4 {
				p := w.connect("big", "")
				p.raw(text)
				p.wantClose(1009, "")
			}
			members()
		},
	},
	{
		name: "largest_announces_into_a_network_of_200", counted: ended(wire.ReasonAnnounceRate), times: 4,
		limits: func(c *hub.Config) { c.MaxAnnounceBytes = 8 << 10 },
		attack: func(w *world) {
			members := crowd(w, 200)
			text := hostile.TextFrame(`{"type":"announce","networkName":"crowd","data":` + string(offerOf(8<<10)) + `}`)
			together(4, func(int) { w.connect("big", "").flood(text) })
			members()
		},
	},
	{
		name: "half_of_many_large_messages", counted: ended(wire.ReasonOverload), times: 16,
		limits: func(c *hub.Config) { c.ReadBytesTotal = 4 << 20 },
		attack: func(w *world) {
			half := append(hostile.Header(hostile.Final|hostile.Text, 1<<20), make([]byte, 512<<10)...)
			peers := make([]*peer, 32) // 16 MiB in all
			together(len(peers), func(i int) {
				peers[i] = w.join("half", "slow")
				peers[i].swallow()
				peers[i].frames(half)
			})
			w.wantCount("overload", ended(wire.ReasonOverload), 16)
			together(len(peers), func(i int) { peers[i].Close() })
		},
	},
	{
		name: "mass_reset_of_a_network_of_200", times: 200,
		counted: func(st hub.Stats) uint64 { return st.Ended["peer_lost"] + st.Ended["write_failed"] },
		attack:  func(w *world) { crowd(w, 200)() },
	},
}

// crowd fills the network "crowd" with peers that read. The function it returns
// has them all reset their connections at once.
func crowd(w *world, n int) (reset func()) {
	peers, gone := make([]*peer, n), make([]<-chan struct{}, n)
	together(4, func(worker int) {
		for i := worker; i < n; i += 4 {
			peers[i] = w.connect(fmt.Sprint("member", i), "")
			gone[i] = peers[i].swallow()
			peers[i].Announce("crowd", nil)
		}
	})
	w.wantCount("members", func(st hub.Stats) uint64 { return uint64(st.LargestNetwork) }, uint64(n))
	return func() {
		together(n, func(i int) { peers[i].reset() })
		for _, g := range gone {
			<-g
		}
	}
}
