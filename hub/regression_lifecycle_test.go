package hub_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// W8, G10: a peer that announces as a hub, then as none, then leaves stays on
// the reference's registry of hubs for ever.
func TestW8G10HubThatStopsBeingOne(t *testing.T) {
	t.Parallel()
	id := digits("b")
	w := newWorld(t, hub.Config{HubPeerIDs: []wire.PeerID{id}})
	sub, err := w.hub.Subscribe("test", hub.EventHubRegistered, hub.EventHubUnregistered)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		p := w.connect("hub", id)
		for _, isHub := range []bool{true, true, false, true, false} {
			p.Announce("n", map[string]any{"isHub": isHub})
			p.fence()
			want := 0
			if isHub {
				want = 1
			}
			w.wantStats(1, 1, 1, want)
			if got := len(w.hub.Hubs()); got != want {
				t.Errorf("Hubs() lists %d, want %d", got, want)
			}
		}
		p.Announce("n", map[string]any{"isHub": true})
		p.fence()
		p.reset()
		w.wantStats(0, 0, 0, 0)
		if got := w.hub.Hubs(); len(got) != 0 {
			t.Errorf("Hubs() lists %+v after all left", got)
		}
	}
	in, out := 0, 0
	for len(sub.Events()) > 0 {
		if e := <-sub.Events(); e.Name == hub.EventHubRegistered {
			in++
		} else if out++; e.TotalHubs != 0 {
			t.Errorf("hubUnregistered says %d hubs, want 0", e.TotalHubs)
		}
	}
	if in != 12 || out != 9 {
		t.Errorf("%d hubs registered and %d unregistered, want 12 (one announced twice) and 9", in, out)
	}
}

// W9, G11, G2: after a goodbye the reference leaves the socket open, uncounted
// and able to announce, so that limits are passed by and what it announces stays
// for ever; PeerPigeon-Go dies of the announce.
func TestW9G2G11GoodbyeEndsTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MaxConnections: 2, CloseTimeout: time.Minute})
	bob := w.join("bob", "n")
	ghost := w.join("ghost", "n")
	bob.fence()
	goodbye, announce := hostile.TextFrame(`{"type":"goodbye"}`), hostile.TextFrame(`{"type":"announce","networkName":"ghosts","data":{"isHub":true}}`)
	if err := ghost.frames(goodbye, announce, hostile.TextFrame(`{"type":"ping"}`), goodbye); err != nil {
		t.Fatal(err)
	}
	if m := bob.next(); m.Type != "goodbye" {
		t.Errorf("bob got %+v, want goodbye", m)
	}
	bob.wantTold("peer-disconnected", ghost)
	w.wantStats(1, 1, 1, 0)

	// Its socket is still open, as it has not answered the close, and it counts.
	late, err := w.dial("late", "")
	if err != nil {
		t.Fatal(err)
	}
	late.wantClose(1008, "Maximum connections reached")
	ghost.frames(announce)
	w.wantStats(1, 1, 1, 0)
	ghost.wantClose(1000, "goodbye") // answers
	w.wantCount("ended by goodbye", ended(wire.ReasonGoodbye), 1)
	w.wantSessions(1)
	w.join("late", "n")
	w.wantStats(2, 2, 1, 0)
}

// W15: the reference never looks at sockets that have not announced: a thousand
// of them fill it for good, even when they answer pings.
func TestW15SilentSocketsDoNotFillTheHub(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit = 20
		w := newPipeWorld(t, hub.Config{MaxConnections: limit})
		for i := range limit {
			p := w.connect(fmt.Sprint("silent", i), "")
			p.SetReceiveDeadline(time.Time{})
			go func() {
				for {
					if _, err := p.ReceiveRaw(); err != nil { // answers pings
						p.Close()
						return
					}
				}
			}()
		}
		began := time.Now()
		w.settleWithin(time.Minute, func(st hub.Stats) string {
			if st.Ended["first_message_timeout"] < limit {
				return "silent sockets are still here"
			}
			return ""
		})
		if took := time.Since(began); took > 31*time.Second {
			t.Errorf("swept after %v, want 30s", took)
		}
		w.join("newcomer", "n")
	})
}

// W18, G9: the reference's stop waits for every socket and closes only the
// registered ones, so it hangs while a ghost lives; PeerPigeon-Go closes none.
// Here no kind of peer that will not go keeps Shutdown beyond the close timeout.
func TestW18G9ShutdownWithGhosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{CloseTimeout: 300 * time.Millisecond, QueueBytes: 64 << 20, MessageRate: -1, ProbeTimeout: time.Hour})
	w.join("normal", "n")
	w.connect("unannounced", "")
	w.join("said goodbye", "n").raw(`{"type":"goodbye"}`)
	w.join("half a frame", "n").frames(hostile.Header(hostile.Final|hostile.Text, 1000), []byte(`{"type":`))
	w.join("half a header", "n").frames([]byte{hostile.Final | hostile.Text})
	w.join("broke the protocol", "n").frames([]byte{0xff, 0xff})
	w.join("sent a close and stays", "n").frames(hostile.CloseFrame(1000, ""))
	if _, err := w.dial("refused", "not an id"); err != nil {
		t.Fatal(err)
	}
	stalled := w.join("stalled", "n").deaf()
	flood := w.join("flood", "n")
	for w.hub.Stats().QueuedBytes == 0 {
		flood.Signal(wire.KindOffer, stalled.ID(), "n", offerOf(256<<10))
		flood.fence()
	}
	if _, err := w.dial("waits for the holder of its id", stalled.ID()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	began := time.Now()
	if err := w.hub.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown() = %v, want nil", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("Shutdown took %v, the close timeout is 300ms", took)
	}
	w.wantEmpty()
}

// W13: the reference drops a signal it takes for a copy of one within 35 s, so a
// peer that tries again is not heard. W49: it knows copies by a 32-bit hash, in
// which "Aa" and "BB" are the same.
func TestW13W49RepeatedSignalsAreDelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	alice, bob := w.join("alice", "n"), w.join("bob", "n")
	sent := []string{`"Aa"`, `"BB"`, `"Aa"`, `"Aa"`, `"AaAa"`, `"BBBB"`, `"AaBB"`}
	for _, data := range sent {
		alice.Signal(wire.KindOffer, bob.ID(), "n", []byte(data))
	}
	for _, data := range sent {
		if m := bob.next(); m.Type != "offer" || string(m.Data) != data {
			t.Errorf("bob got %s %s, want offer %s", m.Type, m.Data, data)
		}
	}
}
