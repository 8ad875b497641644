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
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// The holder of an id answers a ping for each connection that claims the id. These answers must not
// count towards its message rate, or claims could get it cut for flooding.
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
	w := newWorld(t, hub.Config{QueueBytes: 256 << 10})
	pad := strings.Repeat("x", 7<<10)
	for i := range 60 {
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
	w := newWorld(t, hub.Config{MessageBurst: 10, MessageRate: 1e9, AnnounceBurst: 1, AnnounceRate: 1e9})
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

// One message larger than the receiver's queue must not cut a receiver that reads.
func TestOneLargeMessageDoesNotCutItsReceiver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{QueueBytes: 8 << 10})
	alice, bob := w.join("alice", "n"), w.join("bob", "n")
	alice.fence()
	w.settle(func(s hub.Stats) string { // bob may have read what the hub still counts as waiting
		if s.QueuedBytes > 0 {
			return fmt.Sprintf("%d bytes wait", s.QueuedBytes)
		}
		return ""
	})
	alice.Signal(wire.KindOffer, bob.ID(), "n", []byte(`"`+strings.Repeat("y", 200<<10)+`"`))
	bob.want("offer")
}

// The deadline of a message must be checked also if it is before that of the next ping.
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

// A peer that came while Close was closing all there were was missed by it.
func TestCloseInAStormOfArrivals(t *testing.T) {
	t.Parallel()
	for range 10 {
		w := newWorld(t, hub.Config{})
		w.ended = true
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for range 8 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						if c, err := wire.Dial(t.Context(), w.url, wire.NewPeerID(), nil); err == nil {
							t.Cleanup(func() { c.Close() }) // it answers nothing
						}
					}
				}
			})
		}
		w.settle(func(st hub.Stats) string {
			if st.Accepted < 20 {
				return "too few have come"
			}
			return ""
		})
		if err := w.hub.Close(); err != nil {
			t.Error(err)
		}
		close(stop)
		wg.Wait()
		w.wantEmpty()
	}
}

// Above the bound on all queues the peers with most queued bytes must be cut, not the receiver of
// the next message.
func TestHogsDoNotKeepOthersOut(t *testing.T) {
	t.Parallel()
	w := newPipeWorld(t, hub.Config{QueueBytes: 1 << 20, QueueBytesTotal: 4 << 20, MessageRate: -1, WriteTimeout: time.Minute})
	source := w.join("source", "hogs")
	source.fence()
	data := []byte(`"` + strings.Repeat("x", 60<<10) + `"`)
	for i := range 8 { // each holds less than it may
		hog := w.join(fmt.Sprint("hog", i), "hogs")
		for range 14 {
			source.Signal(wire.KindOffer, hog.ID(), "hogs", data)
		}
		source.fence()
	}
	for i := range 20 {
		w.join(fmt.Sprint("citizen", i), "town").swallow()
	}
	if st := w.hub.Stats(); st.Announced < 21 || st.Announced == 29 {
		t.Errorf("%d are members and %d bytes are queued: %v", st.Announced, st.QueuedBytes, st.Ended)
	}
}

// What many have sent of messages that do not end was not counted unless each was
// large.
func TestManyUnfinishedMessagesAreBounded(t *testing.T) {
	t.Parallel()
	const bound = 1 << 20
	w := newWorld(t, hub.Config{ReadBytesTotal: bound})
	part := append(hostile.Header(hostile.Final|hostile.Text, 50_000), make([]byte, 40_000)...)
	for i := range 60 {
		w.connect(fmt.Sprint("slow", i), "").frames(part)
	}
	w.settle(func(st hub.Stats) string {
		if st.Ended["overload"] == 0 {
			return "no peer was cut"
		}
		return ""
	})
	if st := w.hub.Stats(); st.ReadingBytes > 2*bound {
		t.Errorf("%d bytes are being read, the bound is %d", st.ReadingBytes, bound)
	}
}

// A panic of a tool at the end of a session ended the process.
func TestPanicOfATraceAtTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{Trace: &hub.Trace{SessionEnd: func(hub.SessionTrace, wire.CloseReason) { panic("planted") }}})
	w.join("alice", "n").Close()
	w.settle(func(st hub.Stats) string {
		if st.Sessions > 0 || st.Panics != 1 {
			return fmt.Sprint(st.Sessions, st.Panics)
		}
		return ""
	})
}

// A TLS connection's Close waits for a peer that does not read.
func TestShutdownDeadlineOverTLS(t *testing.T) {
	t.Parallel()
	w := newTLSWorld(t, hub.Config{WriteTimeout: 300 * time.Millisecond, CloseTimeout: 300 * time.Millisecond, DrainWindow: -1, MessageRate: -1})
	stalled, source := w.join("stalled", "n"), w.join("source", "n")
	gone := source.swallow()
	for range 6 {
		source.Signal(wire.KindOffer, stalled.ID(), "n", []byte(`"`+strings.Repeat("x", 900<<10)+`"`))
	}
	w.settle(func(st hub.Stats) string {
		if st.Ended["write_failed"] == 0 {
			return "the stalled peer is still here"
		}
		return ""
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := w.hub.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	<-gone
}

// Members that announced again and again, within their burst, queued to each other
// far beyond the bound, since cuts came only after all of it.
func TestAnnounceStormKeepsTheBound(t *testing.T) {
	t.Parallel()
	const members, bound = 200, 4 << 20
	w := newWorld(t, hub.Config{QueueBytesTotal: bound, DrainWindow: -1})
	peers := make([]*peer, members)
	together(4, func(worker int) {
		for i := worker; i < members; i += 4 {
			peers[i] = w.connect(fmt.Sprint("member", i), "")
			peers[i].swallow()
			peers[i].Announce("storm", nil)
		}
	})
	stop, most := make(chan struct{}), int64(0)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				most = max(most, w.hub.Stats().QueuedBytes)
			}
		}
	})
	together(members, func(i int) {
		for range 10 {
			peers[i].Announce("storm", nil)
		}
	})
	w.settleWithin(time.Minute, func(st hub.Stats) string {
		if st.QueuedBytes > 0 {
			return fmt.Sprint(st.QueuedBytes, " bytes are queued")
		}
		return ""
	})
	close(stop)
	wg.Wait()
	if most > 3*bound {
		t.Errorf("%d bytes were queued, the bound is %d", most, bound)
	}
}
