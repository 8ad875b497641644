package hub_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// One address cannot have a peer cut as a slow consumer: what it sends beyond its share
// of the queue is dropped, and others still reach the peer. With more than one address,
// each has its own share. The share begins anew once little waits.
func TestOneAddressCannotFillAQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from := "198.51.100.7"
		w := newAddressWorld(t, hub.Config{QueueBytes: 1 << 20, MessageRate: -1}, &from)
		victim := w.join("victim", "n")
		from = "203.0.113.9"
		floods := []*peer{w.join("flood", "n"), w.join("flood, second session", "n")}
		from = "203.0.113.10"
		bob := w.join("bob", "n")
		payload := []byte(`"` + strings.Repeat("x", 16<<10) + `"`)
		attack := func() (sent int) {
			for range 200 {
				for _, f := range floods {
					f.Signal(wire.KindOffer, victim.ID(), "n", payload)
					sent++
				}
			}
			synctest.Wait()
			return sent
		}
		sent := attack()
		bob.Signal(wire.KindAnswer, victim.ID(), "n", []byte(`1`))
		synctest.Wait()
		st := w.hub.Stats()
		dropped := st.Dropped["share"]
		if st.Peers != 4 || dropped == 0 || st.QueuedBytes > 640<<10 {
			t.Fatalf("%d peers, %d messages dropped, %d bytes wait", st.Peers, dropped, st.QueuedBytes)
		}
		read := func(n int) (last string) {
			for range n {
				last = victim.next().Type
			}
			return last
		}
		read(3) // of the joins
		if last := read(sent - int(dropped) + 1); last != "answer" {
			t.Errorf("the last message is %s, want bob's answer", last)
		}
		synctest.Wait()
		floods[0].Signal(wire.KindOffer, victim.ID(), "n", payload)
		victim.want("offer")
		if got := w.hub.Stats().Dropped["share"]; got != dropped {
			t.Errorf("%d messages were dropped with an empty queue", got-dropped)
		}
	})
}

// Exempt addresses, such as those of proxies, are of many peers and have no share.
func TestExemptAddressesHaveNoShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from := "198.51.100.7"
		w := newAddressWorld(t, hub.Config{QueueBytes: 256 << 10, MessageRate: -1}, &from)
		stalled := w.join("stalled", "n")
		from = "10.1.2.3"
		flood := w.join("flood", "n")
		for range 40 {
			flood.Signal(wire.KindOffer, stalled.ID(), "n", []byte(`"`+strings.Repeat("x", 16<<10)+`"`))
		}
		time.Sleep(time.Minute)
		if st := w.hub.Stats(); st.Ended["slow_consumer"] != 1 || st.Dropped["share"] != 0 {
			t.Errorf("%d sessions cut, %d messages dropped", st.Ended["slow_consumer"], st.Dropped["share"])
		}
	})
}
