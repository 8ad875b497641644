package hub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// The holder of an id answered a ping for each connection that claimed the id, and
// each answer was charged to the holder, until it was cut for flooding: whoever
// knew an id could have it.
func TestClaimsOnAnIDDoNotCostItsHolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MessageBurst: 50, MessageRate: 1})
	victim := w.join("victim", "n")
	ended := victim.swallow()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				c, err := wire.Dial(ctx, w.url, victim.ID(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				c.SetReceiveDeadline(time.Now().Add(10 * time.Second))
				c.ReceiveRaw()
				c.Close()
			}
		})
	}
	wg.Wait()
	select {
	case <-ended:
		t.Error("the holder was cut")
	default:
	}
	w.settle(func(st hub.Stats) string {
		if st.Ended["duplicate_peer"] != 200 || st.Peers != 1 {
			return fmt.Sprint(st.Peers, st.Ended)
		}
		return ""
	})
}

// Members with much announce data filled a newcomer's queue beyond its bound in one
// go, and it was cut for not having read what it was never offered.
func TestTalkativeMembersDoNotKeepOthersOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{QueueBytes: 64 << 10})
	pad := strings.Repeat("x", 7<<10)
	for i := range 30 {
		p := w.connect(fmt.Sprint("member", i), "")
		data, err := json.Marshal(map[string]any{"peerId": p.ID(), "pad": pad})
		if err != nil {
			t.Fatal(err)
		}
		p.Send(wire.Message{Type: "announce", Data: data, NetworkName: "n"})
		told := p.fence()
		if len(told) != i {
			t.Fatalf("member %d heard of %d members, want %d", i, len(told), i)
		}
		for _, m := range told {
			if !subject(m).Valid() {
				t.Fatalf("member %d heard of %s", i, m.Data)
			}
		}
		p.swallow()
	}
}

// A cost above the burst was never granted: a raised MaxMessageBytes did nothing.
func TestMessagesLargerThanTheBurst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{MessageBurst: 10, MessageRate: 1000, AnnounceBurst: 1, AnnounceRate: 1000})
	alice := w.join("alice", "n")
	alice.Signal(wire.KindOffer, alice.ID(), "n", []byte(`"`+strings.Repeat("y", 200<<10)+`"`))
	alice.want("offer")
	if err := alice.Announce("n", map[string]any{"pad": strings.Repeat("z", 5<<10)}); err != nil {
		t.Fatal(err)
	}
	w.settle(func(st hub.Stats) string {
		if st.Received["announce"] != 2 || st.Peers != 1 {
			return fmt.Sprint(st.Received, st.Ended)
		}
		return ""
	})
}

// One message larger than the receiver's queue cut the receiver, who read.
func TestOneLargeMessageDoesNotCutItsReceiver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{QueueBytes: 8 << 10})
	alice, bob := w.join("alice", "n"), w.join("bob", "n")
	alice.fence()
	alice.Signal(wire.KindOffer, bob.ID(), "n", []byte(`"`+strings.Repeat("y", 200<<10)+`"`))
	bob.want("offer")
}

// The deadline of a message was looked at only when that of the next ping came.
func TestMessageTimeoutBeforeThePing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, hub.Config{PingInterval: time.Hour, MessageTimeout: 30 * time.Second})
		p := w.join("trickle", "n")
		began := time.Now()
		p.NetConn().Write([]byte{0x01, 0x85, 0, 0, 0, 0, 'h'})
		p.wantCloseWithin(2*time.Minute, 1008, "message_timeout")
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("cut after %v, want 30s", took)
		}
	})
}
