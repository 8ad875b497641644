package hub_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// A shipped client that leaves on purpose sends its goodbye and the close frame
// back to back: one read of the hub takes both. What the message asked for must
// still reach the others, and they must stay reachable.
func TestLastMessagesBeforeACloseAreDelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	bob := w.join("bob", "n")
	for name, last := range map[string]string{
		"offer":   `{"type":"offer","data":1,"targetPeerId":"` + string(bob.ID()) + `","networkName":"n"}`,
		"goodbye": `{"type":"goodbye","data":{},"networkName":"n"}`,
	} {
		t.Run(name, func(t *testing.T) {
			alice := w.join("alice", "n")
			bob.want("peer-discovered")
			if err := alice.frames(hostile.TextFrame(last), hostile.CloseFrame(1000, "Client disconnect")); err != nil {
				t.Fatal(err)
			}
			got := bob.next()
			if got.Type != name || got.FromPeerID != string(alice.ID()) {
				t.Errorf("bob got %+v, want the %s of alice", got, name)
			}
			if m := bob.next(); m.Type != "peer-disconnected" {
				t.Errorf("bob got %+v, want peer-disconnected", m)
			}
			bob.wantNothing()
			alice.Close()
		})
	}
}

// The hub writes with deadlines only while a peer is slow. One left behind must
// not cut the peer that has caught up long since.
func TestPeerThatWasSlowOnceStays(t *testing.T) {
	t.Parallel()
	const writeTimeout = 6 * time.Second
	w := newWorld(t, hub.Config{WriteTimeout: writeTimeout, MessageRate: -1, QueueBytes: 64 << 20})
	slow := w.join("slow", "n")
	alice := w.join("alice", "n")
	slow.want("peer-discovered")
	sent := 0
	for w.hub.Stats().QueuedBytes == 0 {
		if err := alice.Signal(wire.KindOffer, slow.ID(), "n", offerOf(512<<10)); err != nil {
			t.Fatal(err)
		}
		alice.fence()
		sent++
	}
	for range sent {
		slow.want("offer")
	}
	w.settle(func(st hub.Stats) string {
		if st.QueuedBytes > 0 {
			return fmt.Sprint("still queued: ", st.QueuedBytes)
		}
		return ""
	})
	began := time.Now() // the last deadline is less than this far away
	w.settleWithin(time.Minute, func(hub.Stats) string {
		if time.Since(began) < writeTimeout*5/4 {
			return "the write deadline has not passed"
		}
		return ""
	})
	slow.wantNothing()
}

// The hub answers a close frame with the same code and reason, or with none.
func TestCloseIsEchoed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{})
	for _, payload := range []string{"\x03\xe8Client disconnect", "\x03\xe8", "\x10\xe1my reason", "", "\x03\xe9" + strings.Repeat("é", 61)} {
		c := w.rawDial()
		c.say([]byte(rawUpgrade(rawTarget(digits("a")), "hub")))
		c.status()
		c.say(hostile.Frame(hostile.Final|hostile.Close, []byte(payload)))
		for {
			head, got, err := c.frame()
			if err != nil {
				t.Fatal(err)
			}
			if head != hostile.Final|hostile.Close {
				continue
			}
			if string(got) != payload {
				t.Errorf("the answer to close %q is %q, want the same", payload, got)
			}
			break
		}
		if _, err := c.r.ReadByte(); err != io.EOF {
			t.Errorf("after the close frame: %v, want EOF", err)
		}
		w.wantSessions(0)
	}
}

// The hub does so also when others are sending to that peer at this very
// moment.
func TestCloseIsEchoedUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{
		MessageRate: -1, AnnounceRate: -1, QueueBytes: 256 << 20, QueueBytesTotal: 1 << 30,
		CloseTimeout: time.Minute, // a busy machine may take seconds to write what is ahead of the close frame
	})
	const floods, leavers = 2, 40
	id := wire.NewPeerID()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	for i := range floods {
		p := w.join(fmt.Sprint("flood", i), "n")
		burst := hostile.TextFrame(`{"type":"offer","data":1,"targetPeerId":"` + string(id) + `","networkName":"n"}`)
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if p.frames(burst, burst, burst, burst, burst, burst, burst, burst) != nil {
						return
					}
				}
			}
		})
		wg.Go(func() {
			p.SetReceiveDeadline(time.Time{})
			for {
				if _, err := p.ReceiveRaw(); err != nil {
					return
				}
			}
		})
		defer p.Close()
	}
	for range leavers {
		p := w.connect("leaver", id)
		if err := p.Announce("n", nil); err != nil {
			t.Fatal(err)
		}
		p.want("offer")
		if err := p.SendClose(4321, "my reason"); err != nil {
			t.Fatal(err)
		}
		p.wantClose(4321, "my reason")
	}
}
