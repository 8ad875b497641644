package hub_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestFirstMessageTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, hub.Config{})
		began := time.Now()
		p := w.connect("mute", "")
		p.wantCloseWithin(time.Minute, 1008, "first_message_timeout")
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("cut after %v, want 30s", took)
		}
	})
}

// A newcomer whose id is held waits for a probe of the holder. That is no time of its own.
func TestFirstMessageTimeoutCountsFromTheGreeting(t *testing.T) {
	t.Parallel()
	const probe, limit = 5 * time.Second, 2 * time.Second
	t.Run("speaks", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newPipeWorld(t, hub.Config{ProbeTimeout: probe, FirstMessageTimeout: limit})
			dead := w.join("dead", "n")
			synctest.Wait() // what it has taken in is a sign of life too
			w.connect("owner", dead.ID()).announce("n")
		})
	})
	t.Run("mute", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newPipeWorld(t, hub.Config{ProbeTimeout: probe, FirstMessageTimeout: limit})
			dead := w.join("dead", "n")
			synctest.Wait()
			owner := w.connect("owner", dead.ID())
			greeted := time.Now()
			owner.wantCloseWithin(time.Minute, wire.ReasonFirstMessageTimeout.Code(), wire.ReasonFirstMessageTimeout.Text())
			if took := time.Since(greeted); took != limit {
				t.Errorf("cut %v after the greeting, want %v", took, limit)
			}
		})
	})
}

func TestTrickledMessageIsCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, hub.Config{})
		p := w.join("trickle", "n")
		began := time.Now()
		stop := make(chan struct{})
		go func() { // a frame of 125 bytes, one each second
			defer close(stop)
			frame := append([]byte{0x81, 0x80 | 125, 0, 0, 0, 0}, make([]byte, 125)...)
			for i := range frame {
				if _, err := p.NetConn().Write(frame[i : i+1]); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		p.wantCloseWithin(2*time.Minute, 1008, "message_timeout")
		if took := time.Since(began); took > 65*time.Second {
			t.Errorf("cut after %v, want about 30s after the frame began", took)
		}
		<-stop
	})
}

func TestPeerThatAnswersPingsStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, hub.Config{})
		p := w.join("alice", "n")
		done := make(chan error, 1)
		go func() {
			p.SetReceiveDeadline(time.Time{})
			_, err := p.ReceiveRaw() // answers pings inside
			done <- err
		}()
		time.Sleep(24 * time.Hour)
		if st := w.hub.Stats(); st.Peers != 1 {
			t.Errorf("after a day %d peers, want 1: %+v", st.Peers, st.Ended)
		}
		p.Close()
		<-done
	})
}

func TestWriteTimeoutEndsAStalledPeer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, hub.Config{PingInterval: time.Hour})
		w.join("stalled", "n") // a pipe takes nothing unread: one message stalls it
		began := time.Now()
		bob := w.join("bob", "n")
		w.settleWithin(time.Minute, func(st hub.Stats) string {
			if st.Ended["write_failed"] != 1 {
				return "the stalled peer is still here"
			}
			return ""
		})
		if took := time.Since(began); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("cut after %v, want the write timeout of 10s", took)
		}
		bob.want("peer-disconnected")
	})
}

func TestHolderOfAnIDIsProbed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, hub.Config{PingInterval: time.Hour, WriteTimeout: time.Hour})
		dead := w.join("dead", "n") // never reads again
		bob := w.join("bob", "n")
		synctest.Wait() // until the hub has taken in all that the dead one said
		began := time.Now()
		reborn := w.connect("reborn", dead.ID())
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("took the id over after %v, want the probe timeout of 5s", took)
		}
		reborn.announce("n")
		if m := bob.want("peer-disconnected"); subject(m) != dead.ID() {
			t.Errorf("bob heard of the end of %s, want %s", subject(m), dead.ID())
		}
		if m := bob.want("peer-discovered"); subject(m) != reborn.ID() {
			t.Errorf("bob heard of %s, want %s", subject(m), reborn.ID())
		}
		w.settleWithin(time.Minute, func(st hub.Stats) string {
			if st.Ended["replaced"] != 1 || st.Sessions != 2 {
				return "the dead session is still here"
			}
			return ""
		})
		bob.Signal(wire.KindOffer, reborn.ID(), "n", []byte(`1`))
		reborn.want("offer")
	})
}
